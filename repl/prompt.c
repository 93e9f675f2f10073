/* The prompt: GNU readline where it was found, plain lines where not. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "repl/input.h"
#include "repl/interrupt.h"

#ifdef SC_HAVE_READLINE
#include <readline/history.h>
#include <readline/readline.h>
#endif

static const char first_prompt[] = ">>> ", more_prompt[] = "... ";

#ifdef SC_HAVE_READLINE

/* $XDG_STATE_HOME/einstride/history, or below ~/.local/state; NULL without a home. */
static char *history_path(void) {
  const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
  sc_buffer path = {0};
  if (state && *state == '/')
    sc_printf(&path, "%s", state);
  else if (home && *home)
    sc_printf(&path, "%s/.local/state", home);
  else
    return NULL;
  sc_puts(&path, "/einstride");
  for (char *p = path.bytes + 1; *p; p++) /* every folder on the way; failures show later */
    if (*p == '/') {
      *p = '\0';
      mkdir(path.bytes, 0700);
      *p = '/';
    }
  mkdir(path.bytes, 0700);
  sc_puts(&path, "/history");
  return path.bytes;
}

static void save_history(const char *path) {
  mode_t before = umask(077);
  if (path && write_history(path) == 0) chmod(path, 0600);
  umask(before);
}

/* Ctrl-C at the prompt clears the line. */
static int clear_line(void) {
  rl_replace_line("", 1);
  rl_crlf();
  rl_on_new_line();
  rl_redisplay();
  return 0;
}

static void restore_terminal(void) { rl_deprep_terminal(); }

static void open_terminal(char **history) {
  rl_readline_name = "einstride";
  rl_outstream = stderr;
  rl_signal_event_hook = clear_line;
  rl_bind_key('\t', rl_insert);
  rl_variable_bind("enable-bracketed-paste", "on");
  using_history();
  stifle_history(5000);
  *history = history_path();
  if (*history) read_history(*history);
  sc_interrupt_at_exit(restore_terminal);
}

static bool next_line(const char *prompt, sc_buffer *text) {
  char *line = readline(prompt);
  if (!line) return false;
  sc_puts(text, line);
  sc_puts(text, "\n");
  free(line);
  return true;
}

/* One entry a statement: its lines joined, since a break inside brackets is a blank. */
static void remember(const sc_buffer *text) {
  char *entry = sc_copy_text(text->bytes, text->len);
  size_t len = text->len;
  while (len && entry[len - 1] == '\n') entry[--len] = '\0';
  bool comment = strchr(entry, '#') != NULL;
  for (char *p = entry; *p && !comment; p++)
    if (*p == '\n') *p = ' ';
  if (*entry) add_history(entry);
  free(entry);
}

static void close_terminal(char *history) {
  save_history(history);
  free(history);
}

#else

static void open_terminal(char **history) { *history = NULL; }
static void remember(const sc_buffer *text) { (void)text; }
static void close_terminal(char *history) { (void)history; }

static bool next_line(const char *prompt, sc_buffer *text) {
  char block[4096];
  fputs(prompt, stderr);
  size_t before = text->len;
  while (fgets(block, sizeof block, stdin)) {
    sc_puts(text, block);
    if (text->bytes[text->len - 1] == '\n') return true;
  }
  if (ferror(stdin) && errno == EINTR) { /* Ctrl-C: an empty line */
    clearerr(stdin);
    text->len = before;
    sc_puts(text, "\n");
    return true;
  }
  return text->len > before;
}

#endif

/* The lines of one statement, asked for while a bracket is open. */
static bool read_statement(sc_buffer *text) {
  sc_open_text open = {0, 0};
  text->len = 0;
  sc_interrupted = 0;
  for (const char *prompt = first_prompt;; prompt = more_prompt) {
    if (!next_line(prompt, text)) return false;
    if (sc_interrupted) { /* a cleared line drops the statement it belonged to */
      text->len = 0;
      open = (sc_open_text){0, 0};
      sc_interrupted = 0;
      if (prompt == more_prompt) prompt = first_prompt;
    }
    if (!sc_needs_more(&open, sc_text(text), text->len)) return true;
  }
}

void sc_run_prompt(sc_runner *r) {
  char *history;
  sc_buffer text = {0};
  open_terminal(&history);
  fprintf(stderr, "einstride %s: expressions as strings over stride views. .help, ?name, .quit\n",
          es_version());
  while (!r->quit && read_statement(&text)) {
    sc_source source = {"<prompt>", sc_text(&text), text.len, 1};
    if (!text.len) continue;
    remember(&text);
    sc_run_line(r, &source);
    r->status = ES_OK; /* a session does not end in its errors */
    sc_interrupted = 0;
  }
  if (!r->quit) fputc('\n', stderr);
  close_terminal(history);
  sc_buffer_free(&text);
}
