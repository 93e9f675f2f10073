#include "repl/text/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

bool sc_terminal_size(int *columns, int *rows) {
  struct winsize size;
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || !size.ws_col || !size.ws_row) return false;
  *columns = size.ws_col;
  *rows = size.ws_row;
  return true;
}

static int size_of(bool columns) {
  int width, height;
  if (sc_terminal_size(&width, &height)) return columns ? width : height;
  const char *said = getenv(columns ? "COLUMNS" : "LINES");
  int n = said ? atoi(said) : 0;
  return n > 0 && n < 10000 ? n : columns ? 80 : 24;
}

int sc_terminal_columns(void) { return size_of(true); }
int sc_terminal_rows(void) { return size_of(false); }

int sc_terminal_colors(void) {
  const char *depth = getenv("COLORTERM");
  bool all = depth && (!strcmp(depth, "truecolor") || !strcmp(depth, "24bit"));
  return all ? 1 << 24 : 256;
}
