#include "repl/terminal/editor.h"

#ifdef SC_HAVE_READLINE
#include <readline/history.h>
#include <readline/readline.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "repl/commands/interrupt.h"
#include "repl/terminal/complete.h"
#include "repl/terminal/highlight.h"
#include "repl/terminal/hint.h"
#include "repl/terminal/history.h"
#include "repl/terminal/paste.h"
#include "repl/terminal/screen.h"

/* Readline's hooks have no argument: this is what they share. */
static struct {
  sc_runner *runner;
  sc_screen screen;
  sc_hint hint;
  sc_buffer hinted, hint_text; /* the text that was asked about, and the answer */
  bool hint_failed;
  char *history;
  volatile sig_atomic_t continued; /* the program was stopped and goes on */
} desk;

/* ---- the screen -------------------------------------------------------------------------- */

static void emit(sc_buffer *out) {
  fwrite(sc_text(out), 1, out->len, rl_outstream);
  fflush(rl_outstream);
  sc_buffer_free(out);
}

static void measure(void) {
  struct winsize size; /* readline's own figure leaves out a last column it may not use */
  if (ioctl(fileno(rl_outstream), TIOCGWINSZ, &size) != 0) size = (struct winsize){0};
  sc_screen_resize(&desk.screen, size.ws_col >= 8 ? size.ws_col : 80,
                   size.ws_row >= 2 ? size.ws_row : 24);
}

static const char *hint(size_t len) {
  sc_buffer *asked = &desk.hinted;
  if (desk.runner->no_hints) return "";
  if (RL_ISSTATE(RL_STATE_ISEARCH | RL_STATE_NSEARCH | RL_STATE_NUMERICARG)) return "";
  if (asked->len != len || memcmp(sc_text(asked), rl_line_buffer, len) != 0) {
    asked->len = desk.hint_text.len = 0;
    sc_put(asked, rl_line_buffer, len);
    sc_put(&desk.hint_text, "", 0);
    desk.hint_failed = sc_hint_of(&desk.hint, &desk.runner->session, sc_text(asked), len,
                                  &desk.hint_text);
  }
  return sc_text(&desk.hint_text);
}

/* final: what was entered, as it stays on the screen. */
static void draw(bool final) {
  size_t len = (size_t)rl_end;
  unsigned char *style = sc_alloc(len + 1);
  sc_buffer out = {0};
  measure();
  if (desk.continued) sc_screen_forget(&desk.screen);
  desk.continued = 0;
  sc_highlight(&desk.runner->session.palette, rl_line_buffer, len,
               final ? len + 2 : (size_t)rl_point, style);
  sc_screen_view view = {.prompt = rl_display_prompt ? rl_display_prompt : "",
                         .more = "... ",
                         .text = rl_line_buffer,
                         .len = len,
                         .point = final ? len : (size_t)rl_point,
                         .style = style,
                         .hint = final ? "" : hint(len),
                         .color = desk.runner->color};
  view.error = desk.hint_failed;
  sc_screen_draw(&desk.screen, &view, &out);
  if (final) sc_screen_leave(&desk.screen, &out);
  emit(&out);
  free(style);
}

/* With keys still to be read the screen is drawn after them. */
static void redisplay(void) {
  int waiting = 0;
  if (ioctl(fileno(rl_instream), FIONREAD, &waiting) == 0 && waiting > 0) return;
  draw(false);
}

static int clear_screen(int count, int key) {
  sc_buffer out = {0};
  (void)count, (void)key;
  sc_puts(&out, "\033[H\033[2J");
  emit(&out);
  sc_screen_forget(&desk.screen);
  return 0;
}

/* ---- keys ------------------------------------------------------------------------------------ */

static int insert_line(int count, int key) {
  (void)count, (void)key;
  rl_insert_text("\n");
  return 0;
}

/* Enter: another line while a bracket or a string is open. */
static int enter(int count, int key) {
  sc_open_text open = {0, 0};
  bool command = *rl_line_buffer == '.' || *rl_line_buffer == '?';
  if (!command && sc_needs_more(&open, rl_line_buffer, (size_t)rl_end)) return insert_line(1, '\n');
  draw(true);
  return rl_newline(count, key);
}

static int line_start(int at) {
  while (at > 0 && rl_line_buffer[at - 1] != '\n') at--;
  return at;
}

static int line_end(int at) {
  while (at < rl_end && rl_line_buffer[at] != '\n') at++;
  return at;
}

static int to_start(int count, int key) {
  (void)count, (void)key;
  rl_point = line_start(rl_point);
  return 0;
}

static int to_end(int count, int key) {
  (void)count, (void)key;
  rl_point = line_end(rl_point);
  return 0;
}

/* To the same column of the line above or below, else to another entry of the history. */
static int move_up(int count, int key) {
  int start = line_start(rl_point);
  if (!start) return rl_get_previous_history(count, key);
  int column = rl_point - start, above = line_start(start - 1), length = start - 1 - above;
  rl_point = above + (column < length ? column : length);
  return 0;
}

static int move_down(int count, int key) {
  int start = line_start(rl_point), end = line_end(rl_point);
  if (end == rl_end) return rl_get_next_history(count, key);
  int column = rl_point - start, stop = line_end(end + 1);
  rl_point = end + 1 + column < stop ? end + 1 + column : stop;
  return 0;
}

static int paste(int count, int key) {
  static const char end[] = "\033[201~";
  sc_buffer text = {0}, clean = {0};
  (void)count, (void)key;
  for (int c; (c = rl_read_key()) >= 0;) {
    char byte = (char)c;
    sc_put(&text, &byte, 1);
    size_t tail = strlen(end);
    if (text.len >= tail && !memcmp(text.bytes + text.len - tail, end, tail)) {
      text.len -= tail;
      break;
    }
  }
  sc_paste_clean(sc_text(&text), text.len, &clean);
  if (clean.len) rl_insert_text(clean.bytes);
  sc_buffer_free(&text);
  sc_buffer_free(&clean);
  return 0;
}

/* ---- completion --------------------------------------------------------------------------------
 */

/* Below the line, in columns; of files the part behind the last '/'. */
static void list(char **whole, int n) {
  sc_buffer out = {0};
  size_t widest = 1;
  char **words = sc_alloc((size_t)n * sizeof *words);
  for (int i = 0; i < n; i++) {
    char *slash = strrchr(whole[i], '/');
    words[i] = slash && slash[1] ? slash + 1 : whole[i];
  }
  draw(true);
  for (int i = 0; i < n; i++) {
    size_t columns = sc_columns(words[i], strlen(words[i]));
    if (columns > widest) widest = columns;
  }
  int across = desk.screen.width / ((int)widest + 2), most;
  if (across < 1) across = 1;
  most = across * (desk.screen.height > 6 ? desk.screen.height - 4 : 2);
  int shown = n < most ? n : most, rows = (shown + across - 1) / across;
  for (int row = 0; row < rows; row++) {
    for (int i = row; i < shown; i += rows) {
      sc_put_escaped(&out, words[i], strlen(words[i]));
      if (i + rows < shown) sc_fill(&out, ' ', widest + 2 - sc_columns(words[i], strlen(words[i])));
    }
    sc_puts(&out, "\r\n");
  }
  if (shown < n) sc_printf(&out, "⋯ and %d more\r\n", n - shown);
  emit(&out);
  free(words);
}

static size_t common_prefix(char **words, int n) {
  size_t len = strlen(words[0]);
  for (int i = 1; i < n; i++) {
    size_t same = 0;
    while (same < len && words[i][same] == words[0][same]) same++;
    len = same;
  }
  while (len && ((unsigned char)words[0][len] & 0xc0) == 0x80) len--; /* whole characters */
  return len;
}

/* What all candidates begin with; of one alone also what follows it. */
static void take(char **words, int n, size_t start, char after) {
  size_t have = (size_t)rl_point - start, len = n ? common_prefix(words, n) : 0;
  if (!n) {
    rl_ding();
  } else if (len > have || n == 1) {
    char *more = sc_copy_text(words[0] + have, len > have ? len - have : 0);
    rl_insert_text(more);
    free(more);
    char tail[2] = {after, '\0'};
    if (n == 1 && after && rl_line_buffer[rl_point] != after) rl_insert_text(tail);
  } else {
    list(words, n);
  }
}

static void take_files(size_t start) {
  sc_candidates files = {0};
  struct stat info;
  char *word = sc_copy_text(rl_line_buffer + start, (size_t)rl_point - start), *name;
  for (int state = 0; (name = rl_filename_completion_function(word, state)) != NULL; state = 1) {
    files.text = sc_grow(files.text, (size_t)(files.n + 1) * sizeof *files.text);
    files.text[files.n++] = name;
  }
  sc_candidates_sort(&files);
  char quote = start ? rl_line_buffer[start - 1] : 0;
  bool folder = files.n == 1 && stat(files.text[0], &info) == 0 && S_ISDIR(info.st_mode);
  take(files.text, files.n, start, folder ? '/' : quote == '\'' || quote == '"' ? quote : 0);
  sc_candidates_free(&files);
  free(word);
}

static int complete(int count, int key) {
  (void)count, (void)key;
  int blank = line_start(rl_point);
  while (blank < rl_point && rl_line_buffer[blank] == ' ') blank++;
  if (blank == rl_point) {
    rl_insert_text("  ");
    return 0;
  }
  sc_candidates found;
  sc_session *s = &desk.runner->session;
  size_t start = sc_word_start(rl_line_buffer, (size_t)rl_point);
  sc_complete(s, rl_line_buffer, start, (size_t)rl_point, &found);
  if (found.files)
    take_files(start);
  else
    take(found.text, found.n, start, found.after);
  sc_candidates_free(&found);
  return 0;
}

/* ---- signals
 * ------------------------------------------------------------------------------------- */

static void on_continue(int signal) {
  (void)signal;
  desk.continued = 1;
}

/* Ctrl-C drops the line. */
static int after_signal(void) {
  if (sc_interrupted) {
    sc_interrupted = 0;
    draw(true);
    rl_replace_line("", 1);
    rl_point = 0;
    draw(false);
  } else if (desk.continued) {
    draw(false);
  }
  return 0;
}

/* A signal that came while a line was drawn interrupts no reading: it is looked for. */
static int next_key(FILE *in) {
  rl_check_signals();
  after_signal();
  return rl_getc(in);
}

static void restore_terminal(void) { rl_deprep_terminal(); }

/* ---- the editor
 * ------------------------------------------------------------------------------------ */

static void bind_keys(Keymap map) {
  static const struct {
    const char *keys;
    rl_command_func_t *run;
  } table[] = {{"\r", enter},         {"\n", enter},           {"\t", complete},
               {"\f", clear_screen},  {"\033\r", insert_line}, {"\033\n", insert_line},
               {"\033[A", move_up},   {"\033OA", move_up},     {"\020", move_up},
               {"\033[B", move_down}, {"\033OB", move_down},   {"\016", move_down},
               {"\033[H", to_start},  {"\033OH", to_start},    {"\033[1~", to_start},
               {"\001", to_start},    {"\033[F", to_end},      {"\033OF", to_end},
               {"\033[4~", to_end},   {"\005", to_end},        {"\033[200~", paste}};
  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    rl_bind_keyseq_in_map(table[i].keys, table[i].run, map);
}

static void remember(const char *entry) { add_history(entry); }

bool sc_editor_open(sc_runner *r) {
  const char *term = getenv("TERM");
  if (!isatty(STDERR_FILENO) || !term || !*term || !strcmp(term, "dumb")) return false;
  desk.runner = r;
  rl_readline_name = "einstride";
  rl_outstream = stderr;
  rl_redisplay_function = redisplay;
  rl_signal_event_hook = after_signal;
  rl_getc_function = next_key;
  rl_initialize();
  rl_variable_bind("enable-bracketed-paste", "on");
  rl_variable_bind("echo-control-characters", "off");
  bind_keys(emacs_standard_keymap);
  bind_keys(vi_insertion_keymap);
  bind_keys(vi_movement_keymap);
  using_history();
  desk.history = sc_history_path();
  if (desk.history) sc_history_read(desk.history, remember);
  struct sigaction action = {.sa_handler = on_continue, .sa_flags = SA_RESTART};
  sigaction(SIGCONT, &action, NULL);
  sc_interrupt_at_exit(restore_terminal);
  return true;
}

static void keep(const char *entry) {
  HIST_ENTRY *last = history_length ? history_get(history_base + history_length - 1) : NULL;
  if (!*entry || (last && !strcmp(last->line, entry))) return;
  add_history(entry);
  if (desk.history) sc_history_append(desk.history, entry);
}

bool sc_editor_read(sc_buffer *text) {
  text->len = 0;
  sc_interrupted = 0;
  char *line = readline(">>> ");
  if (!line) return false;
  sc_puts(text, line);
  keep(line);
  free(line);
  return true;
}

void sc_editor_close(void) {
  sc_hint_close(&desk.hint);
  sc_screen_free(&desk.screen);
  sc_buffer_free(&desk.hinted);
  sc_buffer_free(&desk.hint_text);
  free(desk.history);
  desk.history = NULL;
}

#else

bool sc_editor_open(sc_runner *r) {
  (void)r;
  return false;
}
bool sc_editor_read(sc_buffer *text) {
  (void)text;
  return false;
}
void sc_editor_close(void) {}

#endif
