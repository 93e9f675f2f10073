/* A line an entry: a line end inside is written \n, a backslash \\. */
#include "repl/terminal/history.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST = 5000 };

char *sc_history_path(void) {
  const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
  sc_buffer path = {0};
  if (state && *state == '/')
    sc_puts(&path, state);
  else if (home && *home)
    sc_printf(&path, "%s/.local/state", home);
  else
    return NULL;
  sc_puts(&path, "/einstride/");
  for (char *p = path.bytes + 1; *p; p++) /* every folder on the way; failures show later */
    if (*p == '/') {
      *p = '\0';
      mkdir(path.bytes, 0700);
      *p = '/';
    }
  sc_puts(&path, "history");
  return path.bytes;
}

static char *read_whole(const char *path, size_t *len) {
  FILE *file = fopen(path, "rb");
  sc_buffer text = {0};
  char block[65536];
  if (!file) return NULL;
  for (size_t n; (n = fread(block, 1, sizeof block, file)) > 0;) sc_put(&text, block, n);
  fclose(file);
  *len = text.len;
  return text.bytes;
}

/* The bytes of an entry without its escapes, in place. */
static void unescape(char *entry) {
  char *to = entry;
  for (const char *from = entry; *from; from++) {
    bool escaped = *from == '\\' && (from[1] == 'n' || from[1] == '\\');
    if (escaped) from++;
    *to++ = escaped && *from == 'n' ? '\n' : *from;
  }
  *to = '\0';
}

static bool write_all(int file, const char *bytes, size_t len) {
  while (len) {
    ssize_t n = write(file, bytes, len);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes += n;
    len -= (size_t)n;
  }
  return true;
}

/* The file with what begins at text alone, put in place as a whole. */
static void rewrite(const char *path, const char *text, size_t len) {
  sc_buffer beside = {0};
  sc_printf(&beside, "%s.%ld", path, (long)getpid());
  int file = open(beside.bytes, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  bool whole = file >= 0 && write_all(file, text, len);
  if (file >= 0 && (close(file) != 0 || !whole || rename(beside.bytes, path) != 0))
    unlink(beside.bytes);
  sc_buffer_free(&beside);
}

void sc_history_read(const char *path, void (*add)(const char *entry)) {
  size_t len = 0, entries = 0;
  char *text = read_whole(path, &len), *start = text;
  if (!text) return;
  for (size_t i = 0; i < len; i++) entries += text[i] == '\n';
  for (; entries > MOST; entries--) start = strchr(start, '\n') + 1;
  if (start != text) rewrite(path, start, len - (size_t)(start - text));
  for (char *end; (end = strchr(start, '\n')) != NULL; start = end + 1) {
    *end = '\0';
    unescape(start);
    if (*start) add(start);
  }
  free(text);
}

void sc_history_append(const char *path, const char *entry) {
  sc_buffer line = {0};
  for (const char *p = entry; *p; p++)
    if (*p == '\n')
      sc_puts(&line, "\\n");
    else if (*p == '\\')
      sc_puts(&line, "\\\\");
    else
      sc_put(&line, p, 1);
  sc_puts(&line, "\n");
  int file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (file >= 0) {
    fchmod(file, 0600);
    write_all(file, line.bytes, line.len);
    close(file);
  }
  sc_buffer_free(&line);
}
