/* einstride: the command line. */
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "repl/commands/input.h"
#include "repl/commands/interrupt.h"
#include "repl/commands/run.h"
#include "repl/commands/settings.h"
#include "repl/commands/table.h"
#include "repl/functions/all.h"
#include "repl/terminal/prompt.h"

static const char usage[] =
    "usage: einstride [options] [-c TEXT | FILE.es | -]\n"
    "\n"
    "Without TEXT or FILE: a prompt on a terminal, else the script on standard input.\n"
    "\n"
    "  -c TEXT           run TEXT\n"
    "  --json            one JSON object a value or error, on standard output\n"
    "  --keep-going      go on after an error; the exit code is the first one's\n"
    "  --max-mem SIZE    limit of the engine's memory: bytes, or with K, M, G, T\n"
    "  --threads N       threads of the engine; default: all processors allowed\n"
    "  --isa NAME        vector width: auto, v16, v32, v64\n"
    "  --seed N          seed of rand and randn\n"
    "  --color WHEN      auto, always or never\n"
    "  --help, --version\n"
    "\n"
    "exit codes: 0 ok, 1 runtime or files, 2 usage, 3 syntax, 4 shape or type,\n"
    "5 memory or limit, 130 interrupted\n";

typedef struct options {
  es_config config;
  const char *text, *file;
  bool json, keep_going;
  bool color, color_out; /* on standard error, on standard output */
} options;

static int fail_usage(const char *what, const char *found) {
  fprintf(stderr, "einstride: %s%s%s%s\n(einstride --help shows the options)\n", what,
          found ? ": '" : "", found ? found : "", found ? "'" : "");
  return 2;
}

static int read_value(options *o, const char *name, const char *value) {
  int64_t n;
  if (!strcmp(name, "--max-mem")) {
    if (!sc_read_size(value, true, &o->config.max_bytes) || !o->config.max_bytes)
      return fail_usage("--max-mem needs a size such as 512M", value);
  } else if (!strcmp(name, "--threads")) {
    if (!sc_read_size(value, false, &n) || n < 1 || n > 4096)
      return fail_usage("--threads needs a number from 1 to 4096", value);
    o->config.threads = (int)n;
  } else if (!strcmp(name, "--seed")) {
    if (!sc_read_size(value, false, &n)) return fail_usage("--seed needs a number", value);
    o->config.seed = (uint64_t)n;
  } else if (!strcmp(name, "--isa")) {
    if (!sc_read_isa(value, &o->config.isa))
      return fail_usage("--isa needs auto, v16, v32 or v64", value);
  } else { /* --color */
    if (strcmp(value, "auto") && strcmp(value, "always") && strcmp(value, "never"))
      return fail_usage("--color needs auto, always or never", value);
    if (strcmp(value, "auto")) o->color = o->color_out = !strcmp(value, "always");
  }
  return 0;
}

/* -1: go on; otherwise the exit code. Values follow as --name=VALUE or --name VALUE. */
static int read_options(options *o, int argc, char **argv) {
  static const char *const with_value[] = {"--max-mem", "--threads", "--seed", "--isa", "--color"};
  for (int i = 1; i < argc; i++) {
    const char *arg = argv[i];
    size_t name_len = strcspn(arg, "=");
    if (!strcmp(arg, "--help") || !strcmp(arg, "-h")) return fputs(usage, stdout) < 0;
    if (!strcmp(arg, "--version")) return printf("einstride %s\n", es_version()) < 0;
    if (!strcmp(arg, "--json")) {
      o->json = true;
      continue;
    }
    if (!strcmp(arg, "--keep-going")) {
      o->keep_going = true;
      continue;
    }
    bool taken = false;
    for (size_t k = 0; k < sizeof with_value / sizeof *with_value && !taken; k++) {
      if (strlen(with_value[k]) != name_len || strncmp(arg, with_value[k], name_len)) continue;
      const char *value = arg[name_len] ? arg + name_len + 1 : i + 1 < argc ? argv[++i] : NULL;
      if (!value) return fail_usage("a value is missing after", with_value[k]);
      int failed = read_value(o, with_value[k], value);
      if (failed) return failed;
      taken = true;
    }
    if (taken) continue;
    bool text = !strcmp(arg, "-c");
    if (text && i + 1 == argc) return fail_usage("a text is missing after", "-c");
    if (!text && arg[0] == '-' && arg[1]) return fail_usage("there is no such option", arg);
    if (o->text || o->file) return fail_usage("one text or file can be run, found another", arg);
    if (text)
      o->text = argv[++i];
    else
      o->file = arg;
  }
  return -1;
}

static bool run(sc_runner *r, const options *o) {
  if (o->text) {
    sc_source source = {.name = "<text>", .text = o->text, .len = strlen(o->text), .first_line = 1};
    return sc_run(r, &source);
  }
  if (o->file && strcmp(o->file, "-")) return sc_run_file(r, o->file);
  if (!o->file && isatty(STDIN_FILENO)) {
    sc_run_prompt(r);
    return true;
  }
  return sc_run_stream(r, stdin);
}

int main(int argc, char **argv) {
  options o = {0};
  const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
  /* Line editing counts characters; numbers keep the C locale. */
  if (!setlocale(LC_CTYPE, "") || strcmp(nl_langinfo(CODESET), "UTF-8")) {
    setenv("LC_ALL", "C.UTF-8", 1); /* readline asks again */
    setlocale(LC_CTYPE, "");
  }
  bool dumb = term && !strcmp(term, "dumb"), terminal = isatty(STDERR_FILENO) && !dumb;
  o.color = terminal && !(no_color && *no_color);
  o.color_out = o.color && isatty(STDOUT_FILENO);
  int code = read_options(&o, argc, argv);
  if (code >= 0) return code;
  sc_interrupt_install();
  sc_runner r = {
      .commands = sc_all_commands, .json = o.json, .keep_going = o.keep_going, .color = o.color};
  r.progress.enabled = terminal;
  o.config.cancel = sc_interrupt_cancel;
  o.config.progress = sc_progress_report;
  o.config.user = &r.progress;
  if (!sc_session_open(&r.session, sc_all_functions, &o.config)) {
    fputs("einstride: the engine cannot start with these limits\n", stderr);
    return 5;
  }
  r.session.interrupted = &sc_interrupted;
  r.session.color = o.color_out;
  r.session.seed = r.seed = o.config.seed;
  if (o.json) r.session.out = stderr; /* standard output holds objects only */
  run(&r, &o);
  sc_runner_close(&r);
  return sc_exit_code(r.status);
}
