#!/usr/bin/env bash
# The prompt on a pseudo-terminal: editing, history, Ctrl-C in a contraction and at
# the prompt.
set -u
program=$2/bin/einstride
[ -x "$program" ] || { echo "no binary: built without the REPL"; exit 0; }
command -v python3 >/dev/null || { echo "no python3 to drive a terminal: skipped"; exit 77; }
# Instrumented kernels take that much longer from one look at the flag to the next.
patience=1
grep -q '^EINSTRIDE_SANITIZE:STRING=.' "$2/CMakeCache.txt" && patience=20
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
XDG_STATE_HOME=$work TERM=xterm exec python3 - "$program" "$work" "$patience" <<'P'
import os, pty, re, select, stat, sys, time
program, work, patience = sys.argv[1], sys.argv[2], float(sys.argv[3])

def start():
    pid, fd = pty.fork()
    if pid == 0:
        os.execv(program, [program, '--color', 'never'])
    return pid, fd

def read_until(fd, pattern, seconds=20):
    text, end = '', time.monotonic() + seconds
    while time.monotonic() < end:
        if select.select([fd], [], [], 0.02)[0]:
            try:
                text += os.read(fd, 65536).decode('utf-8', 'replace')
            except OSError:
                break
        if re.search(pattern, text):
            return text
    raise SystemExit(f'no {pattern!r} in {text!r}')

def send(fd, text): os.write(fd, text.encode())

pid, fd = start()
read_until(fd, r'>>> ')
send(fd, 'x = (1,\r')
read_until(fd, r'\.\.\. ')
send(fd, ' 41)\r')
read_until(fd, r'>>> ')
send(fd, 'sum(x)\r')
read_until(fd, r'[\r\n]42\r\n')

# Ctrl-C drops the line; what was typed does not run.
send(fd, 'x = 5')
time.sleep(0.2)
send(fd, '\x03')
time.sleep(2.1)
send(fd, '\rx\r')
read_until(fd, r'\(1, 41\)')

# Ctrl-C stops a contraction; the session goes on.
send(fd, "a = ones(6000, 6000, dtype='f64'); 1\r")
read_until(fd, r'[\r\n]1\r\n')
send(fd, "b = einsum('i j, j k, k l -> i l', a, a, a)\r")
time.sleep(0.5)
before = time.monotonic()
send(fd, '\x03')
text = read_until(fd, r'ES_E_CANCELLED[\s\S]*>>> ')
waited = time.monotonic() - before
print(f'a contraction stopped after {waited * 1e3:.0f} ms')
if waited > patience: raise SystemExit('Ctrl-C took too long')
send(fd, 'x\r')
read_until(fd, r'\(1, 41\)')

# The tour runs a step at Enter and a line of the reader's own; back and quit are obeyed.
send(fd, '.tour 2\r')
read_until(fd, r'2/\d+  .*[\s\S]*back, quit\) ')
send(fd, 'back\r')
read_until(fd, r'1/\d+  .*[\s\S]*back, quit\) ')
send(fd, '6 * 7\r')
read_until(fd, r'[\r\n]42\r\n[\s\S]*back, quit\) ')
send(fd, '\r')
read_until(fd, r'\[28 40\]\][\s\S]*2/\d+[\s\S]*back, quit\) ')
send(fd, 'quit\r')
read_until(fd, r'>>> ')

send(fd, '?relu\r')
read_until(fd, r'Negative elements')
send(fd, ".plan 'ij, jk -> ik', (3, 4), (4, 5)\r")
read_until(fd, r'multiply-adds')
send(fd, '.quit\r')
if os.waitpid(pid, 0)[1] != 0: raise SystemExit('.quit does not end with 0')

history = os.path.join(work, 'einstride', 'history')
if os.path.exists(history): # built with readline
    mode = stat.S_IMODE(os.stat(history).st_mode)
    if mode != 0o600: raise SystemExit(f'history has mode {mode:o}')
    lines = open(history).read().split('\n')
    if 'x = (1,\\n 41)' not in lines: raise SystemExit(f'not one entry a statement: {lines}')

# Twice within two seconds leaves.
pid, fd = start()
read_until(fd, r'>>> ')
time.sleep(2.1)
send(fd, '\x03')
time.sleep(0.3)
send(fd, '\x03')
end = time.monotonic() + 10
status = 0
while time.monotonic() < end:
    done, status = os.waitpid(pid, os.WNOHANG)
    if done: break
    time.sleep(0.05)
if not os.WIFEXITED(status) or os.WEXITSTATUS(status) != 130:
    raise SystemExit(f'Ctrl-C twice ends with {status}')

# The end of input ends the session.
pid, fd = start()
read_until(fd, r'>>> ')
send(fd, '\x04')
read_until(fd, r'\n')
if os.waitpid(pid, 0)[1] != 0: raise SystemExit('the end of input does not end with 0')
P
