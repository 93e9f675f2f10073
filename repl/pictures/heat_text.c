/* Heat maps in a terminal: two pixels a character, one above the other, or without colours a
 * ramp of characters. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "repl/pictures/heat.h"

static const char ramp[] = ".:-=+*#%@";
enum { SHADES = sizeof ramp - 1, BAR = 20 };

typedef struct sheet {
  sc_buffer *out;
  const sc_heat *heat;
  int colors;
  int scale;  /* pixels of a cell, across; and down with colours */
  int across; /* panels side by side */
  int panel_columns;
} sheet;

static char shade(const sc_heat *h, double v) {
  if (!isfinite(v)) return isnan(v) ? '?' : v > 0 ? '^' : 'v';
  int i = (int)(sc_heat_place(h, v) * SHADES);
  return ramp[i < SHADES ? i : SHADES - 1];
}

static const double *row_of(const sc_heat *h, int64_t panel, int64_t row) {
  return h->cell + (panel * h->height + row) * h->width;
}

/* ---- lines ------------------------------------------------------------------------------- */

/* ground: behind a character, else of it. */
static void put_color(sheet *s, sc_rgb c, bool ground) {
  int of_cube = 16 + 36 * ((c.r + 25) / 51) + 6 * ((c.g + 25) / 51) + (c.b + 25) / 51;
  if (s->colors > 256)
    sc_printf(s->out, "\033[%d;2;%d;%d;%dm", ground ? 48 : 38, c.r, c.g, c.b);
  else
    sc_printf(s->out, "\033[%d;5;%dm", ground ? 48 : 38, of_cube);
}

static void put_pixels(sheet *s, sc_rgb upper, const sc_rgb *lower, int n) {
  put_color(s, upper, false);
  if (lower) put_color(s, *lower, true);
  for (int i = 0; i < n; i++) sc_puts(s->out, "▀");
  sc_puts(s->out, "\033[0m");
}

/* Line number line of a panel: of colours two rows of pixels. */
static void put_line(sheet *s, int64_t panel, int line) {
  const sc_heat *h = s->heat;
  int64_t pixels = h->height * s->scale, up = 2 * (int64_t)line, down = up + 1;
  for (int64_t j = 0; j < h->width; j++) {
    if (!s->colors) {
      sc_fill(s->out, shade(h, row_of(h, panel, line)[j]), (size_t)s->scale);
      continue;
    }
    sc_rgb above = sc_heat_color(h, row_of(h, panel, up / s->scale)[j]), below = above;
    if (down < pixels) below = sc_heat_color(h, row_of(h, panel, down / s->scale)[j]);
    put_pixels(s, above, down < pixels ? &below : NULL, s->scale);
  }
}

static void put_panels(sheet *s, int64_t first, int64_t n) {
  const sc_heat *h = s->heat;
  int lines = (int)(s->colors ? (h->height * s->scale + 1) / 2 : h->height);
  char title[256];
  for (int64_t p = 0; p < n && h->leading; p++) {
    sc_heat_title(h, first + p, title, sizeof title);
    sc_puts(s->out, title);
    int used = (int)sc_columns(title, strlen(title));
    if (p + 1 < n) sc_fill(s->out, ' ', (size_t)(s->panel_columns - used));
  }
  if (h->leading) sc_puts(s->out, "\n");
  for (int line = 0; line < lines; line++) {
    for (int64_t p = 0; p < n; p++) {
      put_line(s, first + p, line);
      if (p + 1 < n) sc_fill(s->out, ' ', (size_t)s->panel_columns - (size_t)(h->width * s->scale));
    }
    while (!s->colors && s->out->bytes[s->out->len - 1] == ' ') s->out->len--;
    sc_puts(s->out, "\n");
  }
}

/* ---- the scale ----------------------------------------------------------------------------- */

static void put_special(sheet *s, const char *name, double v, int64_t n) {
  if (!n) return;
  sc_puts(s->out, "   ");
  sc_rgb color = sc_heat_color(s->heat, v);
  if (s->colors)
    put_pixels(s, color, &color, 2);
  else
    sc_printf(s->out, "%c", shade(s->heat, v));
  sc_printf(s->out, " %s ×%lld", name, (long long)n);
}

static void put_scale(sheet *s) {
  const sc_heat *h = s->heat;
  char low[32], high[32];
  if (h->low <= h->high) {
    double reach = fmax(fabs(h->low), fabs(h->high));
    double from = h->diverging ? -reach : h->low, to = h->diverging ? reach : h->high;
    sc_heat_number(from, low);
    sc_heat_number(to, high);
    sc_printf(s->out, "%s ", low);
    for (int i = 0; i < BAR; i++) {
      double v = from + (to / BAR - from / BAR) * (i + 0.5);
      sc_rgb color = sc_heat_color(h, v);
      if (s->colors)
        put_pixels(s, color, &color, 1);
      else
        sc_printf(s->out, "%c", shade(h, v));
    }
    sc_printf(s->out, " %s", high);
  }
  put_special(s, "nan", NAN, h->n_nan);
  put_special(s, "inf", INFINITY, h->n_inf);
  put_special(s, "-inf", -INFINITY, h->n_minus_inf);
  if (h->panels < h->all_panels)
    sc_printf(s->out, "   %lld of %lld panels", (long long)h->panels, (long long)h->all_panels);
  if (h->height < h->rows || h->width < h->columns)
    sc_printf(s->out, "   %lld×%lld shown as means on %lld×%lld", (long long)h->rows,
              (long long)h->columns, (long long)h->height, (long long)h->width);
  sc_puts(s->out, "\n");
}

void sc_heat_text(sc_buffer *out, const sc_heat *h, int columns, int colors) {
  sheet s = {.out = out, .heat = h, .colors = colors};
  /* Small panels are enlarged: to some 16 columns, or 2 a character, which is about square. */
  int64_t fit = 16 / (h->width > h->height ? h->width : h->height);
  s.scale = colors ? (int)(fit < 1 ? 1 : fit > 4 ? 4 : fit) : 2;
  while (s.scale > 1 && h->width * s.scale > columns) s.scale--;
  s.panel_columns = (int)h->width * s.scale + 2;
  char title[256];
  for (int64_t p = 0; p < h->panels; p++) {
    sc_heat_title(h, p, title, sizeof title);
    int used = (int)sc_columns(title, strlen(title)) + 2;
    if (used > s.panel_columns) s.panel_columns = used;
  }
  s.across = (columns + 2) / s.panel_columns;
  if (s.across < 1) s.across = 1;
  for (int64_t p = 0; p < h->panels; p += s.across)
    put_panels(&s, p, h->panels - p < s.across ? h->panels - p : s.across);
  put_scale(&s);
}
