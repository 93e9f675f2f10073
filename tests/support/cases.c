/* Reading of case files. */
#include "tests/support/cases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

typedef struct reader {
  const char *path;
  char *text; /* the whole file; lines are cut in place */
  case_file *file;
  case_row *row;
  int line;
  int room;
  bool bad;
} reader;

static bool complain(reader *r, const char *what, const char *where) {
  fprintf(stderr, "%s:%d: %s: '%s'\n", r->path, r->line, what, where);
  r->bad = true;
  return false;
}

static const char *blanks(const char *s) { return s + strspn(s, " \t\n"); }

static bool word(const char **s, const char *w) {
  size_t n = strlen(w);
  if (strncmp(*s, w, n) != 0) return false;
  *s = blanks(*s + n);
  return true;
}

/* ---- shapes and elements -------------------------------------------------------- */

static bool read_shape(const char **s, case_tensor *t) {
  if (**s != '(') return false;
  const char *at = blanks(*s + 1);
  t->rank = 0, t->count = 1;
  while (*at != ')') {
    char *end;
    t->shape[t->rank++] = strtoll(at, &end, 10);
    if (end == at || t->rank > ES_MAX_RANK) return false;
    t->count *= t->shape[t->rank - 1];
    at = blanks(end);
    if (*at == ',') at = blanks(at + 1);
  }
  *s = blanks(at + 1);
  return true;
}

static bool read_number(const char **s, double *value, int64_t *whole, bool *is_whole) {
  size_t n = strspn(*s, "+-0123456789.einfa");
  if (n > 1 && (*s)[n - 1] != 'f' && strchr("+-", (*s)[n - 1])) n--;
  for (size_t i = 1; i < n; i++) /* 1-2j: the imaginary part begins here */
    if (strchr("+-", (*s)[i]) && (*s)[i - 1] != 'e') n = i;
  if (!es_parse_double(*s, n, value)) return false;
  char *end;
  *whole = strtoll(*s, &end, 10);
  *is_whole = end == *s + n;
  *s += n;
  return true;
}

/* 3, -1.5, 1e-3, nan, inf, true, 1+2j, 2j */
static bool read_scalar(const char **s, es_scalar *v) {
  *v = (es_scalar){.cls = ES_CLASS_INT};
  if (word(s, "true")) return v->i = 1, v->re = 1, true;
  if (word(s, "false")) return true;
  bool whole;
  if (!read_number(s, &v->re, &v->i, &whole)) return false;
  if (!whole) v->cls = ES_CLASS_FLOAT;
  if (**s == 'j') {
    *v = (es_scalar){.cls = ES_CLASS_COMPLEX, .im = v->re};
    ++*s;
  } else if (**s == '+' || **s == '-') {
    v->cls = ES_CLASS_COMPLEX;
    int64_t unused;
    if (!read_number(s, &v->im, &unused, &whole) || **s != 'j') return false;
    ++*s;
  }
  *s = blanks(*s);
  return true;
}

/* Nested lists; depth by depth every list must be as long as its first sister. */
static bool read_list(reader *r, const char **s, case_tensor *t, int depth, int *room) {
  if (**s != '[') {
    if (depth < t->rank) return false;
    t->rank = depth;
    if (t->count == *room) {
      int more = *room ? *room * 4 : 64;
      es_scalar *values = ES_NEW_N(&r->file->arena, es_scalar, more);
      if (t->count) memcpy(values, t->values, (size_t)t->count * sizeof *values);
      t->values = values, *room = more;
    }
    return read_scalar(s, &t->values[t->count++]);
  }
  *s = blanks(*s + 1);
  int64_t n = 0;
  if (depth >= ES_MAX_RANK) return false;
  for (; **s != ']'; n++) {
    if (!read_list(r, s, t, depth + 1, room)) return false;
    if (**s == ',') *s = blanks(*s + 1);
  }
  *s = blanks(*s + 1);
  if (n == 0 && t->rank < depth + 1) t->rank = depth + 1;
  if (t->shape[depth] < 0) t->shape[depth] = n;
  return t->shape[depth] == n;
}

static bool read_values(reader *r, const char **s, case_tensor *t) {
  case_tensor list = {.rank = 0};
  int room = 0;
  for (int i = 0; i < ES_MAX_RANK; i++) list.shape[i] = -1;
  if (!read_list(r, s, &list, 0, &room)) return false;
  t->rank = list.rank, t->count = list.count, t->values = list.values;
  memcpy(t->shape, list.shape, sizeof t->shape);
  if (!t->values) t->values = ES_NEW(&r->file->arena, es_scalar);
  return true;
}

/* [shape] [type] [view|copy|~bound] [elements], in any order. */
static bool read_tensor(reader *r, const char *s, case_tensor *t) {
  t->dtype = ES_I32;
  while (*s) {
    size_t n = strcspn(s, " ");
    char name[16] = "";
    if (n < sizeof name) memcpy(name, s, n);
    if (*s == '(') {
      if (!read_shape(&s, t)) return complain(r, "not a shape", s);
    } else if (es_dtype_from_name(name) != ES_DTYPE_AUTO) {
      t->dtype = es_dtype_from_name(name);
      s = blanks(s + n);
    } else if (word(&s, "view")) {
      t->view = true;
    } else if (word(&s, "copy")) {
      t->copy = true;
    } else if (*s == '~') {
      t->tolerance = strtod(s + 1, NULL);
      s = blanks(s + n);
    } else if (!read_values(r, &s, t)) {
      return complain(r, "not an element or a list", s);
    }
  }
  return true;
}

/* ---- options --------------------------------------------------------------------- */

static bool read_option(reader *r, const char *key, const char *value, const char **rest) {
  es_options *o = &r->row->options;
  r->row->has_options = true;
  if (!strcmp(key, "broadcast"))
    o->broadcast = strcmp(value, "strict") ? ES_BROADCAST_STRETCH : ES_BROADCAST_STRICT;
  else if (!strcmp(key, "dtype"))
    o->has_out_dtype = true, o->out_dtype = es_dtype_from_name(value);
  else if (!strcmp(key, "alpha"))
    o->has_scale = true, o->alpha = strtod(value, NULL);
  else if (!strcmp(key, "out")) {
    case_tensor t;
    const char *s = *rest;
    if (!read_shape(&s, &t)) return false;
    memcpy(r->row->out_shape, t.shape, sizeof t.shape);
    o->out_rank = t.rank;
    o->out_shape = r->row->out_shape;
    *rest = s;
  } else
    return false;
  return true;
}

/* key=value …: what is no option is a size. */
static bool read_with(reader *r, const char *s, bool sizes_only, es_axis_size *list, int *count) {
  while (*s) {
    size_t key = strcspn(s, "= "), value = strcspn(s, " ");
    char name[ES_MAX_NAME + 8] = "", text[32] = "";
    if (key >= sizeof name) return complain(r, "not a size", s);
    memcpy(name, s, key);
    if (s[key] != '=') {
      if (strcmp(name, "wrap") != 0) return complain(r, "not an option", s);
      r->row->options.wrap = r->row->has_options = true;
      s = blanks(s + value);
      continue;
    }
    if (value - key - 1 < sizeof text) memcpy(text, s + key + 1, value - key - 1);
    const char *rest = s + key + 1;
    bool known = !strcmp(name, "broadcast") || !strcmp(name, "dtype") || !strcmp(name, "alpha") ||
                 !strcmp(name, "out");
    if (known && !sizes_only) {
      if (!read_option(r, name, text, &rest)) return complain(r, "not an option", s);
      s = rest > s + key + 1 ? rest : blanks(s + value);
      continue;
    }
    char *end;
    long long number = strtoll(text, &end, 10);
    if (end == text || *end || *count == CASE_MAX_SIZES) return complain(r, "not a size", s);
    list[(*count)++] = (es_axis_size){es_arena_copy_text(&r->file->arena, name, strlen(name)),
                                      number};
    s = blanks(s + value);
  }
  return true;
}

/* ---- the first line ----------------------------------------------------------------- */

static char *unescape(reader *r, const char *from) {
  char *to = es_arena_copy_text(&r->file->arena, from, strlen(from)), *out = to;
  while (*from) {
    if (*from != '\\') {
      *out++ = *from++;
    } else if (from[1] == 'x') {
      char hex[3] = {from[2], from[2] ? from[3] : 0, 0};
      *out++ = (char)strtol(hex, NULL, 16);
      from += 4;
    } else {
      *out++ = from[1] == 't' ? '\t' : from[1] == 'n' ? '\n' : from[1] == 'r' ? '\r' : from[1];
      from += 2;
    }
  }
  *out = 0;
  return to;
}

static es_reducer reducer_named(const char *name) {
  for (es_reducer r = ES_REDUCE_SUM; r < ES_REDUCER_COUNT; r++)
    if (!strcmp(es_reducer_name(r), name)) return r;
  return ES_REDUCE_NONE;
}

/* "reduce max: text", "einsum names: text", or the text alone. */
static bool read_first(reader *r, const char *line) {
  static const char *const kinds[] = {"einsum", "rearrange", "reduce",     "repeat",
                                      "pack",   "unpack",    "parse_shape"};
  char kind[16] = "", detail[16] = "";
  int end = 0;
  if (sscanf(line, "%15[a-z_] %15[a-z]:%n", kind, detail, &end) < 2 || !end) {
    detail[0] = 0, end = 0;
    if (sscanf(line, "%15[a-z_]:%n", kind, &end) < 1) end = 0;
  }
  const char *text = line;
  for (int k = 0; end && k < 7; k++)
    if (!strcmp(kinds[k], kind)) {
      r->row->kind = (es_kind)k;
      text = line + end + (line[end] == ' ');
      if (!strcmp(detail, "letters"))
        r->row->options.reading = ES_READ_LETTERS, r->row->has_options = true;
      else if (!strcmp(detail, "names"))
        r->row->options.reading = ES_READ_NAMES, r->row->has_options = true;
      else if (detail[0] && !(r->row->options.reducer = reducer_named(detail)))
        return complain(r, "not a reducer or a reading", detail);
    }
  r->row->text = unescape(r, text);
  return true;
}

/* ---- rows ------------------------------------------------------------------------------ */

static void open_row(reader *r) {
  case_file *f = r->file;
  if (f->n == r->room) {
    int room = r->room ? 2 * r->room : 32;
    case_row *rows = ES_NEW_N(&f->arena, case_row, room);
    if (f->n) memcpy(rows, f->rows, (size_t)f->n * sizeof *rows);
    f->rows = rows, r->room = room;
  }
  r->row = &f->rows[f->n++];
  r->row->file = r->path;
  r->row->line = r->line;
  r->row->options.alpha = 1;
}

/* All lines to the next blank one belong to what has begun: an error, or elements. */
static bool read_error(reader *r, const char *line) {
  case_row *row = r->row;
  size_t old = row->error ? strlen(row->error) : 0, more = strlen(line);
  char *text = es_arena_array(&r->file->arena, old + more + 2, 1);
  if (old) memcpy(text, row->error, old);
  memcpy(text + old, line, more);
  text[old + more] = '\n';
  row->error = text;
  return true;
}

/* What may stand behind the first line of a row; elements may take several lines. */
static bool read_line(reader *r, char *line, char **pending) {
  case_row *row = r->row;
  const char *s = line;
  if (row->error) return read_error(r, line);
  if (word(&s, "! ")) {
    size_t n = strcspn(s, " ");
    if (n >= sizeof row->rule) return complain(r, "not a rule", s);
    if (*s != '-') memcpy(row->rule, s, n); /* '-': an error without a rule */
    return read_error(r, s + n + (s[n] == ' '));
  }
  if (word(&s, "in "))
    return row->n_in < CASE_MAX_TENSORS && read_tensor(r, s, &row->in[row->n_in++]);
  if (word(&s, "-> ")) {
    *pending = NULL;
    return row->n_out < CASE_MAX_TENSORS && read_tensor(r, s, &row->out[row->n_out++]);
  }
  if (word(&s, "with ")) return read_with(r, s, false, row->sizes, &row->n_sizes);
  if (word(&s, "names ")) return read_with(r, s, true, row->names, &row->n_names);
  if (word(&s, "shapes ") || word(&s, "packed ")) {
    while (*s)
      if (row->n_shapes == CASE_MAX_TENSORS || !read_shape(&s, &row->shapes[row->n_shapes++]))
        return complain(r, "not a shape", s);
    return true;
  }
  if (!row->n_out) return complain(r, "expected in, with, ->, !, names, shapes or packed", line);
  /* Join the lines of one list: undo the cut between them. */
  if (*pending)
    line[-1] = '\n';
  else
    *pending = line;
  return true;
}

static void close_row(reader *r) {
  case_row *row = r->row;
  r->row = NULL;
  if (row && !row->n_out && !row->error && !row->n_names)
    complain(r, "a row without a result", row->text);
}

/* Elements of the latest output, once all their lines are joined. */
static bool take_pending(reader *r, char **pending) {
  if (!*pending) return true;
  const char *s = *pending;
  *pending = NULL;
  case_tensor *out = &r->row->out[r->row->n_out - 1], list = {.rank = 0};
  if (!read_values(r, &s, &list) || *s) return complain(r, "not an element or a list", s);
  bool same = list.rank == out->rank &&
              !memcmp(list.shape, out->shape, sizeof(int64_t) * out->rank);
  if (!same) return complain(r, "the elements have another shape than the line before", s);
  out->values = list.values;
  return true;
}

static void read_lines(reader *r, bool manual) {
  bool inside = !manual;
  char *pending = NULL;
  for (char *line = r->text, *next; line; line = next) {
    next = strchr(line, '\n');
    if (next) *next++ = 0;
    r->line++;
    bool fence = manual && !strncmp(line, "```", 3);
    if (manual && !fence && !inside) continue;
    if (fence) inside = !strcmp(line, "```einstride");
    bool blank = fence || !line[strspn(line, " \t")];
    bool begins = !strncmp(line, "-> ", 3) || !strncmp(line, "packed ", 7);
    if ((blank || begins) && r->row && !take_pending(r, &pending)) continue;
    if (blank)
      close_row(r);
    else if (line[0] == '#')
      continue;
    else if (r->row)
      read_line(r, line, &pending);
    else {
      open_row(r);
      read_first(r, line);
    }
  }
  if (r->row && take_pending(r, &pending)) close_row(r);
}

static char *slurp(es_arena *arena, const char *path) {
  FILE *f = fopen(path, "rb");
  if (!f) return NULL;
  fseek(f, 0, SEEK_END);
  long n = ftell(f);
  rewind(f);
  char *text = n >= 0 ? es_arena_array(arena, (size_t)n + 1, 1) : NULL;
  if (text && fread(text, 1, (size_t)n, f) != (size_t)n) text = NULL;
  fclose(f);
  return text;
}

bool cases_read(const char *path, case_file *file) {
  es_allocator allocator = es_allocator_default();
  *file = (case_file){.n = 0};
  es_arena_init(&file->arena, &allocator);
  reader r = {.path = path, .file = file, .text = slurp(&file->arena, path)};
  if (!r.text) return complain(&r, "cannot be read", path);
  size_t n = strlen(path);
  read_lines(&r, n > 3 && !strcmp(path + n - 3, ".md"));
  return !r.bad;
}
