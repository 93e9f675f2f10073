/* .tour: short steps, each with lines to run. At a terminal the reader presses Enter or types
 * lines of their own; otherwise all steps are printed. */
#include "repl/commands/tour.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "repl/commands/interrupt.h"
#include "repl/commands/run.h"

extern const char sc_tour_text[];

typedef struct step {
  const char *title, *text, *end;
} step;

static bool step_at(int index, step *s) {
  const char *at = sc_tour_text;
  for (; at && index >= 0; index--) {
    const char *line = strchr(at, '\n'), *next = strstr(line, "\n= ");
    *s = (step){at + 2, line + 1, next ? next + 1 : at + strlen(at)};
    if (index == 0) return true;
    at = next ? next + 1 : NULL;
  }
  return false;
}

static int count_steps(void) {
  step s;
  int n = 0;
  while (step_at(n, &s)) n++;
  return n;
}

static void put_line(const sc_runner *r, const char *text, size_t len) {
  sc_buffer out = {0};
  sc_put(&out, text, len);
  sc_puts(&out, "\n");
  sc_tell(r, &out);
  sc_buffer_free(&out);
}

static void put_head(const sc_runner *r, const step *s, int index, int n, bool apart) {
  sc_buffer out = {0};
  sc_printf(&out, "%s%s%d/%d  %.*s%s", apart ? "\n" : "", r->session.color ? "\033[1m" : "",
            index + 1, n, (int)strcspn(s->title, "\n"), s->title,
            r->session.color ? "\033[0m" : "");
  put_line(r, sc_text(&out), out.len);
  sc_buffer_free(&out);
}

/* A line of the reader or of the tour, with its statement's other lines left to the parser. */
static bool run(sc_runner *r, const sc_source *source, const char *text, size_t len) {
  char *line = sc_copy_text(text, len);
  sc_source made = {.name = source->name, .text = line, .len = len, .first_line = 1};
  bool ok = sc_run(r, &made);
  free(line);
  return ok;
}

typedef enum answer { RUN, BACK, LEAVE } answer;

/* The reader's own lines run here until one of them is empty. */
static answer ask(sc_runner *r, const sc_source *source) {
  char line[4096];
  for (;;) {
    fprintf(stderr, "%s(Enter runs it; or type a line, back, quit)%s ", r->color ? "\033[90m" : "",
            r->color ? "\033[0m" : "");
    if (!fgets(line, sizeof line, stdin)) {
      bool interrupted = ferror(stdin) && errno == EINTR;
      clearerr(stdin);
      sc_interrupted = 0;
      fputc('\n', stderr);
      if (!interrupted) return LEAVE;
      continue;
    }
    size_t len = strcspn(line, "\n");
    line[len] = '\0';
    if (!len) return RUN;
    if (!strcmp(line, "back")) return BACK;
    if (!strcmp(line, "quit") || !strcmp(line, ".quit")) return LEAVE;
    run(r, source, line, len);
    r->status = ES_OK;
  }
}

/* Prints the words of a step and runs its lines. */
static bool show_step(sc_runner *r, const sc_source *source, const step *s) {
  bool ok = true;
  for (const char *at = s->text; at < s->end && ok; at += strcspn(at, "\n") + 1) {
    size_t len = strcspn(at, "\n");
    if (!len) continue;
    put_line(r, at, len);
    if (len > 4 && !strncmp(at, ">>> ", 4)) ok = run(r, source, at + 4, len - 4);
  }
  return ok;
}

/* "x = …": gives a name and prints nothing. */
static bool is_assignment(const char *line, size_t len) {
  const char *sign = memmem(line, len, " = ", 3);
  for (const char *p = line; sign && p < sign; p++)
    if (strchr("('\"[.", *p)) return false;
  return sign != NULL;
}

/* At a terminal lines that print wait for Enter; the reader types others in between. */
static answer walk_step(sc_runner *r, const sc_source *source, const step *s) {
  const char *at = s->text;
  for (; at < s->end && strncmp(at, ">>> ", 4) != 0; at += strcspn(at, "\n") + 1)
    put_line(r, at, strcspn(at, "\n"));
  for (; at < s->end; at += strcspn(at, "\n") + 1) {
    size_t len = strcspn(at, "\n");
    if (!len) continue;
    put_line(r, at, len);
    answer a = is_assignment(at + 4, len - 4) ? RUN : ask(r, source);
    if (a != RUN) return a;
    run(r, source, at + 4, len - 4);
    r->status = ES_OK;
  }
  return RUN;
}

bool sc_command_tour(sc_runner *r, const sc_source *source, char *rest) {
  int n = count_steps(), first = *rest ? atoi(rest) : 1;
  step s;
  if (first < 1 || first > n) {
    sc_buffer text = {0};
    sc_printf(&text, "the tour has steps 1 to %d, found '%.40s'", n, rest);
    sc_fail_command(r, source, ES_E_VALUE, sc_text(&text));
    sc_buffer_free(&text);
    return false;
  }
  bool person = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && !r->json, ok = true, shown = false;
  for (int i = first - 1; ok && step_at(i, &s);) {
    put_head(r, &s, i, n, shown);
    shown = true;
    if (!person) {
      ok = show_step(r, source, &s);
      i++;
      continue;
    }
    answer a = walk_step(r, source, &s);
    if (a == LEAVE) return true;
    i = a == RUN ? i + 1 : i > 0 ? i - 1 : 0;
  }
  return ok;
}
