/* Windows, and direct convolution, against the loops to the bit: borders, strides, tails, channels
 * last, every vector width and number of threads. Every array ends, or begins, at a page that
 * must not be touched. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/ctx.h"
#include "engine/plan.h"
#include "support/guard.h"

typedef struct row {
  const char *text;
  es_reducer reducer;
  int64_t x[5], w[5]; /* shapes, ended by 0; no w: one operand */
  es_axis_size size[3];
} row;

static const char same[] = "c (h+kh-1)?0 (w+kw-1)?0, c kh kw -> c h w";
static const char same5[] = "b c (h+kh-2)?0 (w+kw-2)?0, c kh kw -> b c h w";
static const char strided[] = "c (2*h+kh-1)?0 (2*w+kw-1)?0, c kh kw -> c h w";
static const char strided5[] = "b c (2*h+kh-2)?0 (2*w+kw-2)?0, c kh kw -> b c h w";
static const char seven[] = "c (h+kh-3)?0 (w+kw-3)?0, c kh kw -> c h w";
static const char seven2[] = "c (2*h+kh-3)?0 (2*w+kw-3)?0, c kh kw -> c h w";
static const char dense[] = "c (h+kh-1)?0 (w+kw-1)?0, o c kh kw -> o h w";
static const char last[] = "(h+kh-1)?0 (w+kw-1)?0 c, kh kw c -> h w c";
static const char pool[] = "c (2*h+kh-1)?0 (2*w+kw-1)?0 -> c h w";

static const row rows[] = {
    /* Outputs that share a row of x, of which some see no weight. */
    {"d a, (2*b)?0 d -> b a", 0, {4, 9}, {4, 4}, {{"b", 3}}},
    {"d a, (b-1)?0 d -> b a", 0, {3, 40}, {4, 3}, {{"b", 7}}},
    /* The first row, whose x is absent, sees no weight. */
    {"(h-1)?0 k w, s k -> s h w", 0, {2, 3, 20}, {9, 3}, {{"h", 3}}},
    {same, 0, {3, 7, 7}, {3, 3, 3}, {{0}}},
    {same, 0, {2, 14, 14}, {2, 3, 3}, {{0}}},
    {same, 0, {2, 9, 28}, {2, 3, 3}, {{0}}},
    {same, 0, {2, 5, 56}, {2, 3, 3}, {{0}}},
    {same, 0, {1, 3, 112}, {1, 3, 3}, {{0}}},
    {same, 0, {2, 1, 5}, {2, 3, 3}, {{0}}},
    {same, 0, {2, 2, 17}, {2, 3, 3}, {{0}}},
    {same, 0, {2, 40, 33}, {2, 3, 3}, {{0}}},
    {same, 0, {2, 6, 18}, {2, 5, 4}, {{0}}},
    {same, 0, {2, 6, 19}, {2, 2, 7}, {{0}}},
    {same5, 0, {2, 2, 11, 56}, {2, 5, 5}, {{0}}},
    {same5, 0, {2, 2, 3, 4}, {2, 5, 5}, {{0}}},
    {"c (h+kh-3)?0 (w+kw-3)?0, c kh kw -> c h w", 0, {2, 9, 23}, {2, 7, 7}, {{0}}},
    {"c (h+2*kh-2)?0 (w+2*kw-2)?0, c kh kw -> c h w", 0, {2, 9, 21}, {2, 3, 3}, {{0}}},
    {"c (h+20*kh-20)?0 (w+20*kw-20)?0, c kh kw -> c h w", 0, {2, 30, 37}, {2, 3, 3}, {{0}}},
    {strided, 0, {3, 14, 14}, {3, 3, 3}, {{0}}},
    {strided, 0, {3, 7, 7}, {3, 3, 3}, {{0}}},
    {strided, 0, {2, 9, 112}, {2, 3, 3}, {{0}}},
    {strided, 0, {2, 8, 65}, {2, 3, 3}, {{0}}},
    {strided, 0, {2, 11, 70}, {2, 5, 5}, {{0}}},
    {strided, 0, {5, 28, 28}, {5, 3, 3}, {{0}}},
    {strided, 0, {3, 15, 13}, {3, 4, 4}, {{0}}},
    {strided, 0, {3, 6, 9}, {3, 2, 7}, {{0}}},
    {strided, 0, {2, 90, 33}, {2, 3, 2}, {{0}}},
    {strided5, 0, {2, 3, 14, 14}, {3, 5, 5}, {{0}}},
    {strided5, 0, {1, 4, 28, 28}, {4, 5, 5}, {{0}}},
    {strided5, 0, {2, 2, 5, 57}, {2, 5, 3}, {{0}}},
    {strided5, 0, {1, 2, 3, 4}, {2, 5, 5}, {{0}}},
    {"c (2*h+kh-3)?0 (2*w+kw-3)?0, c kh kw -> c h w", 0, {2, 16, 32}, {2, 7, 7}, {{0}}},
    /* Sums of several chains down the rows, which end elsewhere at each border; blocks of rows. */
    {seven, 0, {2, 40, 33}, {2, 7, 7}, {{0}}},
    {seven, 0, {5, 7, 7}, {5, 7, 7}, {{0}}},
    {seven, 0, {3, 14, 14}, {3, 7, 7}, {{0}}},
    {seven, 0, {2, 3, 16}, {2, 7, 7}, {{0}}},
    {seven, 0, {1, 70, 60}, {1, 7, 7}, {{0}}},
    {seven, 0, {2, 9, 21}, {2, 5, 8}, {{0}}},
    {seven, 0, {2, 9, 40}, {2, 7, 6}, {{0}}},
    {seven, 0, {2, 12, 40}, {2, 7, 13}, {{0}}},
    {seven, 0, {2, 12, 19}, {2, 4, 20}, {{0}}},
    {seven, 0, {2, 12, 130}, {2, 1, 100}, {{0}}},
    {seven, 0, {2, 12, 80}, {2, 2, 64}, {{0}}},
    {"c (h+kh) (w+kw), c kh kw -> c h w", 0, {2, 50, 60}, {2, 7, 7}, {{0}}},
    {seven2, 0, {3, 14, 14}, {3, 7, 7}, {{0}}},
    {seven2, 0, {2, 90, 70}, {2, 7, 7}, {{0}}},
    {seven2, 0, {3, 7, 7}, {3, 7, 7}, {{0}}},
    {"c (l+k), c k l -> c l", 0, {2, 71}, {2, 32, 40}, {{0}}},
    {"c (2*h+kh-1)?0 (w+kw-1)?0, c kh kw -> c h w", 0, {2, 13, 35}, {2, 3, 3}, {{0}}},
    {"c (h+kh-1)?0 (2*w+kw-1)?0, c kh kw -> c h w", 0, {2, 13, 35}, {2, 3, 3}, {{0}}},
    {"c (2*h+kh-1)?0 (2*w+2*kw-2)?0, c kh kw -> c h w", 0, {2, 13, 36}, {2, 3, 3}, {{0}}},
    {"c (2*h+kh-1)?0 (2*w-kw+1)?0, c kh kw -> c h w", 0, {2, 9, 36}, {2, 3, 3}, {{0}}},
    {"(2*h+kh) (2*w+kw), kh kw -> h w", 0, {37, 71}, {3, 3}, {{0}}},
    /* Planes enough to read whole vectors of most; rows and planes that are not all read; weights
     * that do not lie next to each other. */
    {same, 0, {9, 7, 7}, {9, 3, 3}, {{0}}},
    {same, 0, {8, 5, 8}, {8, 3, 3}, {{0}}},
    {same, 0, {6, 4, 14}, {6, 3, 3}, {{0}}},
    {same5, 0, {2, 9, 7, 7}, {9, 5, 5}, {{0}}},
    {same5, 0, {1, 5, 6, 28}, {5, 5, 5}, {{0}}},
    {strided, 0, {9, 14, 14}, {9, 3, 3}, {{0}}},
    {strided, 0, {7, 9, 15}, {7, 3, 3}, {{0}}},
    {strided, 0, {5, 8, 28}, {5, 3, 3}, {{0}}},
    {strided5, 0, {1, 9, 14, 14}, {9, 5, 5}, {{0}}},
    {"c (2*h+kh) (2*w+kw), c kh kw -> c h w", 0, {7, 16, 16}, {7, 3, 3}, {{0}}},
    {"c (h+kh-1)?0 (w+kw-1)?0, kh kw c -> c h w", 0, {9, 7, 7}, {3, 3, 9}, {{0}}},
    {"c (2*h+kh-2)?0 (2*w+kw-2)?0, c kw kh -> c h w", 0, {7, 14, 14}, {7, 5, 5}, {{0}}},
    {"a b (h+kh-1)?0 (w+kw-1)?0, b kh kw -> b a h w", 0, {5, 2, 7, 7}, {2, 3, 3}, {{0}}},
    {same5, 0, {2, 3, 7, 7}, {3, 5, 5}, {{0}}},
    {same5, 0, {1, 4, 7, 7}, {4, 5, 5}, {{0}}},
    {same, 0, {3, 3, 4}, {3, 3, 3}, {{0}}},
    {same, 0, {5, 70, 8}, {5, 3, 2}, {{0}}},
    {"c (h+kh-3)?0 (w+kw-3)?0, c kh kw -> c h w", 0, {3, 7, 7}, {3, 7, 7}, {{0}}},
    {"(h+kh) (w+kw), kh kw -> h w", 0, {37, 70}, {5, 5}, {{0}}},
    {"h (w+kw), kw -> h w", 0, {6, 70}, {7}, {{0}}},
    {"c (l+k-1)?0, c k -> c l", 0, {3, 100}, {3, 3}, {{0}}},
    {"c (l+4*k-4)?0, c k -> c l", 0, {3, 41}, {3, 3}, {{0}}},
    {"c (d+kd-1)?0 (h+kh-1)?0 (w+kw-1)?0, c kd kh kw -> c d h w",
     0,
     {2, 4, 5, 19},
     {2, 3, 3, 3},
     {{0}}},
    {dense, 0, {2, 9, 17}, {4, 2, 3, 3}, {{0}}},
    {dense, 0, {3, 7, 7}, {5, 3, 3, 3}, {{0}}},
    {dense, 0, {1, 6, 70}, {9, 1, 5, 3}, {{0}}},
    {dense, 0, {4, 11, 33}, {3, 4, 3, 3}, {{0}}},
    {dense, 0, {2, 5, 130}, {6, 2, 3, 3}, {{0}}},
    {"c (2*h+kh-1)?0 (2*w+kw-1)?0, o c kh kw -> o h w", 0, {3, 13, 67}, {7, 3, 3, 3}, {{0}}},
    {"c (2*h+kh-1)?0 (2*w+kw-1)?0, o c kh kw -> o h w", 0, {2, 5, 12}, {8, 2, 3, 3}, {{0}}},
    {"b (g c) (h+kh-1)?0 (w+kw-1)?0, (g o) c kh kw -> b (g o) h w",
     0,
     {2, 6, 6, 20},
     {10, 3, 3, 3},
     {{0}}},
    {"c (w+k-2)?0, o c k -> o w", 0, {3, 50}, {5, 3, 5}, {{0}}},
    {"k j, i k -> i j", 0, {31, 1100}, {6, 31}, {{0}}},
    {"k j, i k -> i j", 0, {100, 70}, {11, 100}, {{0}}},
    {"k j, i k -> i j", 0, {5, 9}, {4, 5}, {{0}}},
    {"k j, i k -> i j", 0, {140, 1100}, {5, 140}, {{0}}},
    {"k j, i k -> i j", 0, {129, 16}, {6, 129}, {{0}}},
    {"k j, i k -> i j", 0, {260, 83}, {9, 260}, {{0}}},
    {"k j, i k -> i j", 0, {300, 100}, {5, 300}, {{0}}},
    {"k j, i k -> i j", ES_REDUCE_MEAN, {257, 37}, {5, 257}, {{0}}},
    {"b k j, i k -> b i j", 0, {2, 1100, 65}, {4, 1100}, {{0}}},
    {dense, 0, {20, 6, 37}, {18, 20, 3, 3}, {{0}}},
    {dense, 0, {21, 5, 12}, {5, 21, 3, 3}, {{0}}},
    {dense, ES_REDUCE_MEAN, {20, 7, 40}, {17, 20, 3, 3}, {{0}}},
    {"c (2*h+kh-3)?0 (2*w+kw-3)?0, o c kh kw -> o h w", 0, {3, 19, 70}, {21, 3, 7, 7}, {{0}}},
    {"c (2*h+kh-3)?0 (2*w+kw-3)?0, o c kh kw -> o h w", 0, {3, 11, 24}, {16, 3, 7, 7}, {{0}}},
    {"c (2*h+kh) (2*w+kw), o c kh kw -> o h w", 0, {5, 19, 75}, {16, 5, 5, 6}, {{0}}},
    {"c (2*h+kh-1)?0 (2*w+kw-1)?0, o c kh kw -> o h w", 0, {2, 5, 37}, {19, 2, 3, 3}, {{0}}},
    {"c (2*h+kh-1)?0 (2*w-kw+1)?0, o c kh kw -> o h w", 0, {2, 6, 60}, {16, 2, 3, 3}, {{0}}},
    {last, 0, {5, 6, 32}, {3, 3, 32}, {{0}}},
    {last, 0, {5, 6, 21}, {3, 3, 21}, {{0}}},
    {last, 0, {4, 3, 3}, {3, 3, 3}, {{0}}},
    {"b (2*h+kh-1)?0 (2*w+kw-1)?0 c, kh kw c -> b h w c", 0, {2, 7, 6, 40}, {3, 3, 40}, {{0}}},
    {pool, ES_REDUCE_MAX, {2, 13, 14}, {0}, {{"kh", 3}, {"kw", 3}, {NULL, 0}}},
    {pool, ES_REDUCE_MAX, {2, 12, 112}, {0}, {{"kh", 3}, {"kw", 3}, {NULL, 0}}},
    {pool, ES_REDUCE_MIN, {2, 12, 75}, {0}, {{"kh", 3}, {"kw", 3}, {NULL, 0}}},
    {pool, ES_REDUCE_SUM, {2, 12, 75}, {0}, {{"kh", 3}, {"kw", 3}, {NULL, 0}}},
    {pool, ES_REDUCE_MEAN, {2, 12, 75}, {0}, {{"kh", 3}, {"kw", 3}, {NULL, 0}}},
    {"c (2*h+kh) (2*w+kw) -> c h w",
     ES_REDUCE_MAX,
     {2, 12, 28},
     {0},
     {{"kh", 2}, {"kw", 2}, {NULL, 0}}},
    {"c (2*h+kh) (2*w+kw) -> c h w",
     ES_REDUCE_MEAN,
     {2, 12, 66},
     {0},
     {{"kh", 2}, {"kw", 2}, {NULL, 0}}},
    {"c (h+kh-1)?0 (w+kw-1)?0 -> c h w",
     ES_REDUCE_MAX,
     {2, 6, 37},
     {0},
     {{"kh", 3}, {"kw", 3}, {NULL, 0}}},
    {"c (h+kh-1)?0 (w+kw-1)?0 -> c h w",
     ES_REDUCE_MEAN,
     {2, 6, 7},
     {0},
     {{"kh", 3}, {"kw", 3}, {NULL, 0}}},
    {"(2*h+kh-1)?0 (2*w+kw-1)?0 c -> h w c",
     ES_REDUCE_MAX,
     {6, 7, 24},
     {0},
     {{"kh", 3}, {"kw", 3}, {NULL, 0}}},
};

/* Layers that direct convolution takes. */
static const char layer[] = "b c (h+kh-1)?0 (w+kw-1)?0, o c kh kw -> b o h w";
static const char stepping[] = "b c (2*h+kh-1)?0 (2*w+kw-1)?0, o c kh kw -> b o h w";
static const char point[] = "b c h w, o c 1 1 -> b o h w";
static const row layers[] = {
    /* Two rows of 7 a tile, and one left over; images apart; one vector of channels, two, more. */
    {layer, 0, {1, 3, 7, 7}, {16, 3, 3, 3}, {{0}}},
    {layer, 0, {3, 2, 6, 7}, {33, 2, 3, 3}, {{0}}},
    {layer, 0, {2, 80, 7, 7}, {32, 80, 3, 3}, {{0}}},
    {stepping, 0, {2, 3, 14, 14}, {40, 3, 3, 3}, {{0}}},
    {point, 0, {2, 9, 2, 7}, {5, 9, 1, 1}, {{0}}},
    {"b c (2*h) (2*w), o c 1 1 -> b o h w", 0, {1, 5, 14, 14}, {17, 5, 1, 1}, {{0}}},
    {"b c (h+kh-2)?0 (w+kw-2)?0, o c kh kw -> b o h w", 0, {1, 2, 7, 7}, {18, 2, 5, 5}, {{0}}},
    {"b c (h+kh-1)?0 (w-kw+1)?0, o c kh kw -> b o h w", 0, {1, 2, 7, 7}, {18, 2, 3, 3}, {{0}}},
    /* Every height of a tile; rows of several. */
    {layer, 0, {1, 2, 4, 8}, {16, 2, 3, 3}, {{0}}},
    {layer, 0, {1, 2, 4, 9}, {20, 2, 3, 3}, {{0}}},
    {layer, 0, {1, 2, 4, 10}, {48, 2, 3, 3}, {{0}}},
    {layer, 0, {1, 2, 4, 11}, {16, 2, 3, 3}, {{0}}},
    {layer, 0, {1, 2, 4, 12}, {31, 2, 3, 3}, {{0}}},
    {layer, 0, {1, 2, 4, 13}, {64, 2, 3, 3}, {{0}}},
    {layer, 0, {2, 4, 5, 14}, {16, 4, 3, 3}, {{0}}},
    {layer, 0, {1, 2, 3, 29}, {20, 2, 3, 3}, {{0}}},
    {layer, 0, {1, 2, 3, 57}, {9, 2, 3, 3}, {{0}}},
    {stepping, 0, {1, 2, 5, 43}, {20, 2, 3, 3}, {{0}}},
    {point, 0, {2, 70, 7, 7}, {35, 70, 1, 1}, {{0}}},
    {"b c (w+k-2)?0, o c k -> b o w", 0, {2, 5, 100}, {20, 5, 5}, {{0}}},
    {"b c (h+2*kh-2)?0 (w+2*kw-2)?0, o c kh kw -> b o h w", 0, {1, 2, 8, 15}, {20, 2, 3, 3}, {{0}}},
    {"b c (2*h+kh-3)?0 (2*w+kw-3)?0, o c kh kw -> b o h w", 0, {1, 3, 9, 32}, {19, 3, 7, 7}, {{0}}},
    {"b c (h+kh) (w+kw-1)?0, o c kh kw -> b o h w", 0, {1, 3, 9, 16}, {19, 3, 3, 3}, {{0}}},
    {"c (h+kh-3)?0 (w+kw-1)?0, o c kh kw -> o h w", 0, {3, 2, 9}, {19, 3, 1, 3}, {{0}}},
    /* Up to four rows a tile, and fewer left over; rows that are neighbours, and not. */
    {layer, 0, {1, 3, 12, 7}, {16, 3, 3, 3}, {{0}}},
    {layer, 0, {2, 3, 11, 8}, {13, 3, 3, 3}, {{0}}},
    {stepping, 0, {1, 3, 22, 18}, {9, 3, 3, 3}, {{0}}},
    {layer, 0, {1, 2, 9, 28}, {12, 2, 3, 3}, {{0}}},
    {layer, 0, {1, 200, 5, 28}, {12, 200, 3, 3}, {{0}}},
    /* Two outputs abreast, four; rows that end within a vector, several tiles of them, taps that
     * miss whole vectors, chains that end apart. */
    {layer, 0, {2, 3, 5, 13}, {8, 3, 3, 3}, {{0}}},
    {layer, 0, {1, 16, 7, 14}, {7, 16, 3, 3}, {{0}}},
    {layer, 0, {1, 40, 6, 28}, {8, 40, 3, 3}, {{0}}},
    {layer, 0, {1, 2, 9, 27}, {5, 2, 3, 3}, {{0}}},
    {layer, 0, {2, 3, 4, 25}, {4, 3, 3, 3}, {{0}}},
    {layer, 0, {1, 30, 7, 56}, {4, 30, 3, 3}, {{0}}},
    {layer, 0, {1, 5, 3, 59}, {8, 5, 3, 3}, {{0}}},
    {layer, 0, {1, 5, 3, 117}, {4, 5, 3, 3}, {{0}}},
    {point, 0, {2, 9, 5, 31}, {4, 9, 1, 1}, {{0}}},
    {point, 0, {2, 9, 5, 30}, {3, 9, 1, 1}, {{0}}},
    {"b c (h+kh-4)?0 (w+kw-4)?0, o c kh kw -> b o h w", 0, {1, 3, 9, 30}, {8, 3, 9, 9}, {{0}}},
    {"b c (h+kh-8)?0 (w+kw-8)?0, o c kh kw -> b o h w", 0, {1, 2, 9, 36}, {4, 2, 17, 17}, {{0}}},
    {"b c (h+kh) (w+kw-2)?0, o c kh kw -> b o h w", 0, {1, 3, 9, 32}, {4, 3, 3, 3}, {{0}}},
    {"b c (h+kh) (w+kw), o c kh kw -> b o h w", 0, {1, 3, 9, 63}, {2, 3, 3, 3}, {{0}}},
    {"b c (h+kh-1)?0 (w-kw+1)?0, o c kh kw -> b o h w", 0, {1, 2, 7, 29}, {4, 2, 3, 3}, {{0}}},
    {"b c (w+k-2)?0, o c k -> b o w", 0, {2, 300, 37}, {8, 300, 5}, {{0}}},
    {"b (g c) (h+kh-1)?0 (w+kw-1)?0, (g o) c kh kw -> b (g o) h w",
     0,
     {2, 12, 9, 28},
     {24, 4, 3, 3},
     {{"g", 3}, {NULL, 0}}},
    /* Weights that move with the output: groups. */
    {"b (g c) (h+kh-1)?0 (w+kw-1)?0, (g o) c kh kw -> b (g o) h w",
     0,
     {2, 6, 5, 14},
     {48, 2, 3, 3},
     {{"g", 3}, {NULL, 0}}},
    {"c (t+kt-1)?0 (h+kh-1)?0 (w+kw-1)?0, o c kt kh kw -> o t h w",
     0,
     {3, 3, 4, 9},
     {17, 3, 3, 3, 3},
     {{0}}},
    /* Weights whose taps do not lie next to each other. */
    {"b c (h+kh-1)?0 (w+kw-1)?0, kh kw c o -> b o h w", 0, {1, 6, 5, 14}, {3, 3, 6, 36}, {{0}}},
    /* Several blocks of taps, and chunks of rows. */
    {layer, 0, {1, 75, 160, 8}, {18, 75, 3, 3}, {{0}}},
    {layer, 0, {1, 150, 3, 28}, {34, 150, 3, 3}, {{0}}},
};

/* ---- values --------------------------------------------------------------------------- */

/* What the values are: small integers, whose sums are exact; fractions, whose sums
 * depend on the order; integers among infinities and NaN. */
typedef enum values { INTEGERS, FRACTIONS, EXTREMES } values;

static uint64_t state = 88172645463325252u;
static double some_value(values kind) {
  state ^= state << 13, state ^= state >> 7, state ^= state << 17;
  int64_t small = (int64_t)(state >> 40 & 15) - 8;
  if (kind == FRACTIONS) return (double)(state >> 11) * 0x1p-53 - 0.3;
  if (kind == EXTREMES && (state >> 50 & 15) == 0)
    return state >> 48 & 1 ? (double)INFINITY : (double)NAN;
  if (kind == EXTREMES && (state >> 50 & 15) == 1) return -0.0;
  return (double)small;
}

static void fill(guard *g, es_dtype dtype, values kind) {
  for (size_t i = 0; i < g->bytes / es_dtype_size(dtype); i++) {
    double v = some_value(kind);
    if (dtype == ES_F32)
      ((float *)g->data)[i] = (float)v;
    else
      ((double *)g->data)[i] = v;
  }
}

/* ---- running ------------------------------------------------------------------------ */

typedef struct scene {
  const row *row;
  es_dtype dtype;
  int n_in;
  bool constant; /* the weights */
  es_array in[2];
  guard memory[2];
} scene;

static int rank_of(const int64_t *shape) {
  int rank = 0;
  while (rank < 5 && shape[rank]) rank++;
  return rank;
}

static void scene_make(scene *s, const row *r, es_dtype dtype, values kind, bool at_end) {
  *s = (scene){.row = r, .dtype = dtype, .n_in = r->w[0] ? 2 : 1};
  const int64_t *shape[] = {r->x, r->w};
  for (int i = 0; i < s->n_in; i++) {
    int64_t count = 1;
    for (int a = 0; a < rank_of(shape[i]); a++) count *= shape[i][a];
    s->memory[i] = guard_make((size_t)count * es_dtype_size(dtype), at_end);
    cr_assert(s->memory[i].data);
    fill(&s->memory[i], dtype, kind);
    s->in[i] = (es_array){s->memory[i].data, dtype, rank_of(shape[i]), shape[i], NULL};
  }
}

static void scene_free(scene *s) {
  for (int i = 0; i < s->n_in; i++) {
    cr_assert(guard_check(&s->memory[i]));
    guard_free(&s->memory[i]);
  }
}

/* The result, in memory of its own; bytes 0 when the strategy does not apply. */
static guard run(const scene *s, es_isa isa, int threads, const char *strategy, bool at_end) {
  es_error error;
  es_ctx *ctx = es_ctx_create(&(es_config){.threads = threads, .isa = isa});
  es_expr *expr = es_expr_parse(ctx, ES_KIND_EINSUM, s->row->text, strlen(s->row->text), 0, &error);
  cr_assert(expr, "%s: %s", s->row->text, error.message);
  es_options options = {.strategy = strategy, .reducer = s->row->reducer, .sizes = s->row->size};
  options.constant = (const bool[]){false, s->constant};
  if (!s->row->size[0].name) options.sizes = NULL;
  es_plan *plan = es_plan_make(ctx, expr, s->in, s->n_in, NULL, &options, &error);
  guard out = {0};
  if (!plan) {
    cr_assert(error.status == ES_E_UNSUPPORTED, "%s: %s", s->row->text, error.message);
  } else {
    int64_t count = 1;
    for (int a = 0; a < es_plan_rank(plan); a++) count *= es_plan_shape(plan)[a];
    for (int i = 0; i < plan->n_steps; i++) plan->step[i].predicted = 1e-3; /* many pieces */
    out = guard_make((size_t)count * es_dtype_size(s->dtype), at_end);
    size_t bytes = es_plan_workspace(plan);
    void *workspace = bytes ? aligned_alloc(64, (bytes + 63) / 64 * 64) : NULL;
    es_array to = {out.data, s->dtype, es_plan_rank(plan), es_plan_shape(plan), NULL};
    cr_assert_eq(es_run(ctx, plan, s->in, s->n_in, &to, workspace, &error), ES_OK, "%s",
                 error.message);
    free(workspace);
  }
  es_plan_release(plan);
  es_expr_release(expr);
  es_ctx_destroy(ctx);
  return out;
}

/* Bit for bit, but for what a NaN carries. */
static void compare(const scene *s, const guard *want, const guard *got, const char *what) {
  size_t size = es_dtype_size(s->dtype);
  cr_assert_eq(want->bytes, got->bytes);
  for (size_t at = 0; at < want->bytes; at += size) {
    es_scalar a = es_scalar_load(s->dtype, want->data + at);
    es_scalar b = es_scalar_load(s->dtype, got->data + at);
    bool same_bits = memcmp(want->data + at, got->data + at, size) == 0;
    cr_assert(same_bits || (isnan(a.re) && isnan(b.re)),
              "%s, %s: element %zu is %.9g, but %.9g was expected", s->row->text, what, at / size,
              b.re, a.re);
  }
}

static bool is_plain_sum(const row *r) {
  return !r->w[0] && (r->reducer == ES_REDUCE_SUM || r->reducer == ES_REDUCE_MEAN);
}

/* Every width and number of threads against the reference of that width; the kernels of direct
 * convolution are of one width. */
static void try_row(const row *r, es_dtype dtype, values kind, bool at_end, const char *strategy,
                    const char *reference) {
  static const es_isa isas[] = {ES_ISA_V16, ES_ISA_V32, ES_ISA_V64};
  scene s;
  scene_make(&s, r, dtype, kind, at_end);
  for (int v = strcmp(strategy, "direct") ? 0 : 2; v < 3; v++) {
    if (!es_kernels_select(isas[v])) continue;
    s.constant = false;
    guard want = run(&s, isas[v], 1, reference, at_end);
    if (!want.bytes) continue; /* a border of single taps: nothing to reduce */
    for (int threads = 1; threads <= 3; threads++) {
      char what[64];
      snprintf(what, sizeof what, "%s, isa %d, %d threads", es_dtype_name(dtype), (int)isas[v],
               threads);
      s.constant = s.n_in == 2 && threads == 2;
      guard got = run(&s, isas[v], threads, strategy, at_end);
      cr_assert(got.bytes > 0, "%s: not by %s (%s)", r->text, strategy, what);
      compare(&s, &want, &got, what);
      guard_free(&got);
    }
    guard_free(&want);
  }
  scene_free(&s);
}

static void try_all(values kind, const char *reference) {
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    for (int wide = 0; wide < 2; wide++) {
      es_dtype dtype = wide ? ES_F64 : ES_F32;
      if (wide && is_plain_sum(&rows[i])) continue; /* summed in two parts, by reduce */
      try_row(&rows[i], dtype, kind, i & 1, "window", reference);
      try_row(&rows[i], dtype, kind, !(i & 1), "window", reference);
    }
}

Test(window, agrees_with_the_loops) { try_all(INTEGERS, "loops"); }
/* Absent taps weigh nothing, also where the weight is infinite; NaN wins; -0 < +0. */
Test(window, agrees_with_the_loops_on_extremes) { try_all(EXTREMES, "loops"); }
/* The same order of summation as the other forms. */
Test(window, sums_in_the_order_of_the_reduction) { try_all(FRACTIONS, "reduce"); }

static void try_layers(values kind, const char *reference) {
  for (size_t i = 0; i < sizeof layers / sizeof *layers; i++)
    try_row(&layers[i], ES_F32, kind, (i + kind) & 1, "direct", reference);
}

Test(direct, agrees_with_the_loops) { try_layers(INTEGERS, "loops"); }
Test(direct, agrees_with_the_loops_on_extremes) { try_layers(EXTREMES, "loops"); }
Test(direct, sums_in_the_order_of_the_contraction) { try_layers(FRACTIONS, "gemm"); }

/* ---- what it does not take ---------------------------------------------------------- */

static const row refused[] = {
    {"c (3*l+k-1)?0, c k -> c l", 0, {3, 100}, {3, 3}, {{0}}},
    {"c (l+k)?0, c k -> c l", 0, {2, 400}, {2, 129}, {{0}}},
    {"c (l+k), c k l -> c l", 0, {2, 72}, {2, 33, 40}, {{0}}}, /* two chains */
};

Test(window, leaves_the_rest_to_others) {
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
    scene s;
    scene_make(&s, &refused[i], ES_F32, INTEGERS, true);
    guard out = run(&s, ES_ISA_AUTO, 1, "window", true);
    cr_assert_eq(out.bytes, 0, "%s", refused[i].text);
    scene_free(&s);
  }
}

/* Along c two strides of the first operand cancel, and its constraint cuts c all the same. */
static const row cancelling[] = {
    {"d a (c+e+1)?0, b d e c -> (c+a-1) d b c", 0, {4, 3, 1}, {5, 4, 3, 2}, {{0}}},
    {"d a (3*c+e+1)?0, b d e c -> (c+a-1) d b c", 0, {4, 3, 3}, {5, 4, 3, 2}, {{0}}},
    {"d a (3*c+e+1)?0, b d e c -> (c+a-1) d b c", 0, {4, 3, 3}, {40, 4, 3, 2}, {{0}}},
};

Test(window, reads_no_absent_weight) {
  static const char *const strategies[] = {"window", "gemm", "direct", NULL};
  for (size_t i = 0; i < sizeof cancelling / sizeof *cancelling; i++)
    for (int t = 0; t < 4; t++) {
      scene s;
      scene_make(&s, &cancelling[i], ES_F32, INTEGERS, true);
      guard want = run(&s, ES_ISA_AUTO, 1, "loops", true);
      guard got = run(&s, ES_ISA_AUTO, 1, strategies[t], true);
      if (got.bytes) compare(&s, &want, &got, strategies[t] ? strategies[t] : "chosen");
      cr_assert(got.bytes || strategies[t], "%s", cancelling[i].text);
      guard_free(&want);
      if (got.bytes) guard_free(&got);
      scene_free(&s);
    }
}
