#include "sheet.h"

#include <stdlib.h>
#include <string.h>

typedef struct color {
  uint8_t r, g, b;
} color;

static const color ground = {13, 16, 22}, ink = {206, 212, 220};
/* From zero outwards. */
static const color cold[3] = {{13, 16, 22}, {34, 96, 150}, {166, 220, 255}};
static const color warm[3] = {{13, 16, 22}, {186, 74, 22}, {255, 222, 150}};
static const color light[3] = {{13, 16, 22}, {124, 128, 134}, {250, 250, 246}};

/* 5 x 7 pixels a letter; bit 4 is the left column, rows from the top. */
static const uint8_t font[28][7] = {
    {0, 0, 14, 1, 15, 17, 15},  {16, 16, 22, 25, 17, 17, 30}, {0, 0, 14, 16, 16, 17, 14},
    {1, 1, 13, 19, 17, 17, 15}, {0, 0, 14, 17, 31, 16, 14},   {6, 9, 8, 28, 8, 8, 8},
    {0, 15, 17, 17, 15, 1, 14}, {16, 16, 22, 25, 17, 17, 17}, {4, 0, 12, 4, 4, 4, 14},
    {2, 0, 6, 2, 2, 18, 12},    {16, 16, 18, 20, 24, 20, 18}, {12, 4, 4, 4, 4, 4, 14},
    {0, 0, 26, 21, 21, 17, 17}, {0, 0, 22, 25, 17, 17, 17},   {0, 0, 14, 17, 17, 17, 14},
    {0, 0, 30, 17, 30, 16, 16}, {0, 0, 13, 19, 15, 1, 1},     {0, 0, 22, 25, 16, 16, 16},
    {0, 0, 14, 16, 14, 1, 30},  {8, 8, 28, 8, 8, 9, 6},       {0, 0, 17, 17, 17, 19, 13},
    {0, 0, 17, 17, 17, 10, 4},  {0, 0, 17, 17, 21, 21, 10},   {0, 0, 17, 10, 4, 10, 17},
    {0, 0, 17, 17, 15, 1, 14},  {0, 0, 31, 2, 4, 8, 31},      {0, 0, 0, 0, 12, 4, 8},
    {0, 0, 0, 31, 0, 0, 0},
};
enum { LETTER = 6, LINE = 7 };

static const uint8_t *glyph(char c) {
  return c >= 'a' && c <= 'z' ? font[c - 'a'] : c == ',' ? font[26] : c == '-' ? font[27] : NULL;
}

/* A u8 tensor (height, width, 3) of one colour. */
static es_tensor *paper(es_ctx *es, int64_t height, int64_t width) {
  es_tensor *rgb = es_from_data(es, ES_U8, 1, (const int64_t[]){3}, &ground);
  es_tensor *view = es_repeat(es, "c -> h w c", rgb, ES_SIZES({"h", height}, {"w", width}));
  return es_copy(es, view); /* every pixel of the view is the same three bytes */
}

/* Text at (top, left), each pixel zoom wide. */
static es_tensor *write_text(es_ctx *es, es_tensor *on, const char *text, int64_t top, int64_t left,
                             int zoom) {
  uint8_t *at = es_data_mut(on);
  if (!at) return NULL;
  int64_t height = es_shape(on)[0], width = es_shape(on)[1];
  (void)es;
  for (; *text; text++, left += LETTER * zoom) {
    const uint8_t *rows = glyph(*text);
    for (int64_t y = 0; rows && y < LINE * zoom; y++)
      for (int64_t x = 0; x < (LETTER - 1) * zoom; x++)
        if (rows[y / zoom] >> (4 - x / zoom) & 1 && top + y < height && left + x < width)
          memcpy(at + ((top + y) * width + left + x) * 3, &ink, 3);
  }
  return on;
}

static uint8_t mix(uint8_t a, uint8_t b, float t) {
  return (uint8_t)((float)a + ((float)b - (float)a) * t + 0.5f);
}

static color shade(float value, bool grey) {
  const color *stops = grey ? light : value < 0 ? cold : warm;
  float t = 2 * (value < 0 ? -value : value);
  if (!(t <= 2)) t = 2;
  const color *from = t < 1 ? stops : stops + 1;
  if (t >= 1) t -= 1;
  return (color){mix(from[0].r, from[1].r, t), mix(from[0].g, from[1].g, t),
                 mix(from[0].b, from[1].b, t)};
}

/* maps (r, c, h, w) -> u8 (r, c, h, w, 3). */
static es_tensor *paint(es_ctx *es, const sheet_block *block) {
  es_tensor *x = es_cast(es, block->maps, ES_F32);
  es_tensor *peak = es_reduce(es, "r c h w -> c", ES_REDUCE_MAX, es_unary(es, ES_ABS, x), NULL);
  peak = es_binary_scalar(es, ES_MAXIMUM, peak, 1e-20, false, false);
  es_tensor *scaled = es_einsum(es, "r c h w, c -> r c h w",
                                ES_IN(x, es_unary(es, ES_RECIPROCAL, peak)), NULL);
  scaled = es_contiguous(es, scaled);
  if (!scaled) return NULL;
  int64_t shape[5] = {0, 0, 0, 0, 3};
  memcpy(shape, es_shape(scaled), 4 * sizeof *shape);
  es_tensor *out = es_empty(es, ES_U8, 5, shape);
  if (!out) return NULL;
  const float *value = es_data(scaled);
  uint8_t *rgb = es_data_mut(out);
  for (int64_t i = 0; i < es_size(scaled); i++, rgb += 3) {
    color c = shade(value[i], block->grey);
    memcpy(rgb, &c, 3);
  }
  return out;
}

/* One block as a strip (title + rows * (cell + gap), c * (cell + gap) + gap, 3). */
static es_tensor *strip(es_ctx *es, const sheet_block *block, int cell, int gap, int title) {
  es_tensor *maps = paint(es, block);
  if (!maps) return NULL;
  const int64_t *s = es_shape(maps);
  int64_t rows = s[0], columns = s[1], pitch = cell + gap;
  maps = es_repeat(es, "r c h w k -> r c (h u) (w v) k", maps,
                   ES_SIZES({"u", cell / s[2]}, {"v", cell / s[3]}));
  es_tensor *out = paper(es, title + rows * pitch, columns * pitch + 3 * gap);
  write_text(es, out, block->title, gap, 0, gap / 2);
  /* A window onto the paper, one cell for each map. */
  es_tensor *cells = es_slice(es, es_slice(es, out, 0, title, ES_ALL, 1), 1, 0, columns * pitch, 1);
  cells = es_rearrange(es, "(r h) (c w) k -> r c h w k", cells,
                       ES_SIZES({"h", pitch}, {"w", pitch}));
  cells = es_slice(es, es_slice(es, cells, 2, 0, cell, 1), 3, 0, cell, 1);
  return es_assign(es, cells, maps) == ES_OK ? out : NULL;
}

es_tensor *sheet_make(es_ctx *es, const sheet_block *blocks, int n, const char *const *row_names,
                      int rows, int cell) {
  const int gap = cell / 14, zoom = gap / 2, title = (LINE + 4) * zoom + gap, pitch = cell + gap;
  es_tensor **parts = calloc((size_t)n + 1, sizeof *parts), *out = NULL;
  if (!parts) return NULL;
  size_t longest = 0;
  for (int i = 0; i < rows; i++)
    if (strlen(row_names[i]) > longest) longest = strlen(row_names[i]);
  parts[0] = paper(es, title + rows * pitch, (int64_t)(longest + 1) * LETTER * zoom + 2 * gap);
  for (int i = 0; parts[0] && i < rows; i++)
    write_text(es, parts[0], row_names[i], title + i * pitch + (cell - LINE * zoom) / 2, 3 * gap,
               zoom);
  for (int i = 0; i < n; i++) parts[i + 1] = strip(es, &blocks[i], cell, gap, title);
  out = es_concat(es, parts, n + 1, 1);
  free(parts);
  if (!out) return NULL;
  es_tensor *margin = paper(es, 2 * gap, es_shape(out)[1]);
  return es_concat(es, (es_tensor *[]){margin, out, margin}, 3, 0);
}
