/* Heat maps as SVG, and as the pixels of a PNG. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "repl/pictures/canvas.h"
#include "repl/pictures/heat.h"

enum { MARGIN = 14, GAP = 16, TITLE = 18, SCALE = 44, NUMBERED = 16, ACROSS = 8 };

typedef struct plate {
  const sc_heat *heat;
  int cell, across, down; /* pixels of a cell; panels */
  int title;              /* pixels above a panel */
  const char *format;     /* of the numbers in the cells; NULL: none */
} plate;

static plate lay_out(const sc_heat *h, int side) {
  plate p = {.heat = h};
  int64_t longest = h->width > h->height ? h->width : h->height;
  p.across = (int)(h->panels < ACROSS ? h->panels : ACROSS);
  while (p.across > 1 && p.across * p.across > h->panels * 2) p.across--;
  p.down = (int)((h->panels + p.across - 1) / p.across);
  p.cell = (int)(side / (longest * p.across));
  if (p.cell < 1) p.cell = 1;
  return p;
}

/* ---- SVG ----------------------------------------------------------------------------------- */

static void put_color(sc_buffer *out, sc_rgb c) { sc_printf(out, "#%02x%02x%02x", c.r, c.g, c.b); }

static void cell_text(const char *format, double v, char text[32]) {
  if (isfinite(v) && v != trunc(v))
    snprintf(text, 32, format, v);
  else
    sc_heat_number(v, text);
}

static bool fits(const plate *p, const char *format) {
  const sc_heat *h = p->heat;
  char text[32];
  for (int64_t i = 0; i < h->panels * h->height * h->width; i++) {
    cell_text(format, h->cell[i], text);
    if (strlen(text) * 7 > (size_t)p->cell) return false;
  }
  return true;
}

/* All numbers alike, with as many digits as the widest of them has room for, or none. */
static const char *number_format(const plate *p) {
  static const char *const formats[] = {"%.4g", "%.3g", "%.2f", "%.2g", "%.1f"};
  static const double least[] = {0, 0, 0.1, 0, 1}; /* that the largest number must reach */
  const sc_heat *h = p->heat;
  double reach = fmax(fabs(h->low), fabs(h->high));
  if (h->height > NUMBERED || h->width > NUMBERED || h->height != h->rows) return NULL;
  for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
    if (reach >= least[i] && fits(p, formats[i])) return formats[i];
  return NULL;
}

static void put_number(sc_buffer *out, const plate *p, double v, double x, double y) {
  sc_rgb c = sc_heat_color(p->heat, v);
  bool dark = 0.299 * c.r + 0.587 * c.g + 0.114 * c.b < 140;
  char text[32];
  cell_text(p->format, v, text);
  sc_printf(out,
            "<text x='%.1f' y='%.1f' font-size='11' text-anchor='middle' fill='%s'>%s</text>\n",
            x + p->cell / 2.0, y + p->cell / 2.0 + 4, dark ? "#ffffff" : "#1c2733", text);
}

/* Cells of one colour side by side are one rectangle. */
static void put_panel(sc_buffer *out, const plate *p, int64_t panel, double x, double y) {
  const sc_heat *h = p->heat;
  char title[256];
  sc_heat_title(h, panel, title, sizeof title);
  if (*title)
    sc_printf(out, "<text x='%.1f' y='%.1f' font-size='12' fill='#6b7885'>%s</text>\n", x, y - 5,
              title);
  for (int64_t i = 0; i < h->height; i++) {
    const double *row = h->cell + (panel * h->height + i) * h->width;
    for (int64_t j = 0, n; j < h->width; j += n) {
      sc_rgb c = sc_heat_color(h, row[j]);
      for (n = 1; j + n < h->width; n++) {
        sc_rgb next = sc_heat_color(h, row[j + n]);
        if (memcmp(&c, &next, sizeof c) != 0) break;
      }
      sc_printf(out, "<rect x='%.1f' y='%.1f' width='%lld' height='%d' fill='",
                x + (double)j * p->cell, y + (double)i * p->cell, (long long)n * p->cell, p->cell);
      put_color(out, c);
      sc_puts(out, "'/>\n");
    }
    for (int64_t j = 0; p->format && j < h->width; j++)
      put_number(out, p, row[j], x + (double)j * p->cell, y + (double)i * p->cell);
  }
}

static double put_special(sc_buffer *out, const sc_heat *h, double x, double y, const char *name,
                          double v, int64_t n) {
  if (!n) return x;
  sc_printf(out, "<rect x='%.1f' y='%.1f' width='12' height='12' stroke='#6b7885' fill='", x, y);
  put_color(out, sc_heat_color(h, v));
  sc_printf(out, "'/>\n<text x='%.1f' y='%.1f' font-size='12' fill='#1c2733'>%s ×%lld</text>\n",
            x + 17, y + 10.5, name, (long long)n);
  return x + 90;
}

static void put_scale(sc_buffer *out, const sc_heat *h, double x, double y) {
  char text[32];
  if (h->low <= h->high) {
    double reach = fmax(fabs(h->low), fabs(h->high));
    double low = h->diverging ? -reach : h->low, high = h->diverging ? reach : h->high;
    for (int i = 0; i < 64; i++) {
      sc_printf(out, "<rect x='%.2f' y='%.1f' width='2.6' height='12' fill='", x + i * 2.5, y);
      put_color(out, sc_heat_color(h, low + (high / 63 - low / 63) * i));
      sc_puts(out, "'/>\n");
    }
    sc_heat_number(low, text);
    sc_printf(out, "<text x='%.1f' y='%.1f' font-size='12' fill='#1c2733'>%s</text>\n", x, y + 26,
              text);
    sc_heat_number(high, text);
    sc_printf(out,
              "<text x='%.1f' y='%.1f' font-size='12' fill='#1c2733' text-anchor='end'>%s</text>\n",
              x + 160, y + 26, text);
    x += 180;
  }
  x = put_special(out, h, x, y, "nan", NAN, h->n_nan);
  x = put_special(out, h, x, y, "inf", INFINITY, h->n_inf);
  put_special(out, h, x, y, "-inf", -INFINITY, h->n_minus_inf);
}

void sc_heat_svg(sc_buffer *out, const sc_heat *h, const char *title) {
  plate p = lay_out(h, 480);
  if (p.cell > 40) p.cell = 40;
  p.title = h->leading ? TITLE : 0;
  p.format = number_format(&p);
  int panel_width = (int)h->width * p.cell + GAP, panel_height = (int)h->height * p.cell + p.title;
  char last[256]; /* the longest title */
  sc_heat_title(h, h->panels - 1, last, sizeof last);
  int title_width = (int)sc_columns(last, strlen(last)) * 8 + GAP;
  if (panel_width < title_width) panel_width = title_width;
  int specials = (h->n_nan > 0) + (h->n_inf > 0) + (h->n_minus_inf > 0);
  int width = 2 * MARGIN + p.across * panel_width - GAP, wanted = 2 * MARGIN + 180 + 90 * specials;
  int height = 2 * MARGIN + p.down * (panel_height + GAP) + SCALE - GAP;
  if (width < wanted) width = wanted;
  sc_printf(out,
            "<svg xmlns='http://www.w3.org/2000/svg' width='%d' height='%d' viewBox='0 0 %d %d' "
            "font-family='DejaVu Sans, Verdana, sans-serif' shape-rendering='crispEdges'>\n<title>",
            width, height, width, height);
  sc_put_xml(out, title);
  sc_puts(out, "</title>\n<rect width='100%' height='100%' rx='6' fill='#ffffff'/>\n");
  for (int64_t i = 0; i < h->panels; i++)
    put_panel(out, &p, i, MARGIN + (double)(i % p.across) * panel_width,
              MARGIN + p.title + (double)(i / p.across) * (panel_height + GAP));
  put_scale(out, h, MARGIN, height - MARGIN - 28);
  sc_puts(out, "</svg>\n");
}

/* ---- pixels ---------------------------------------------------------------------------------- */

es_tensor *sc_heat_picture(es_ctx *es, const sc_heat *h, int side) {
  enum { SPACE = 4 }; /* white pixels between panels */
  plate p = lay_out(h, side);
  int64_t width = p.across * (h->width * p.cell + SPACE) - SPACE;
  int64_t height = p.down * (h->height * p.cell + SPACE) - SPACE;
  const int64_t shape[] = {height, width, 3};
  unsigned char *pixel = sc_alloc((size_t)(width * height) * 3);
  memset(pixel, 255, (size_t)(width * height) * 3);
  for (int64_t panel = 0; panel < h->panels; panel++) {
    int64_t x0 = panel % p.across * (h->width * p.cell + SPACE);
    int64_t y0 = panel / p.across * (h->height * p.cell + SPACE);
    for (int64_t y = 0; y < h->height * p.cell; y++)
      for (int64_t x = 0; x < h->width * p.cell; x++) {
        double v = h->cell[(panel * h->height + y / p.cell) * h->width + x / p.cell];
        sc_rgb c = sc_heat_color(h, v);
        memcpy(pixel + 3 * ((y0 + y) * width + x0 + x), &c, 3);
      }
  }
  es_tensor *picture = es_from_data(es, ES_U8, 3, shape, pixel);
  free(pixel);
  return picture;
}
