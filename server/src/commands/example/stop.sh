#!/usr/bin/env bash
# Stops this network: nodes drain first, then PostgreSQL. What is stored stays.
#
#   ./stop.sh             everything
#   ./stop.sh NAME...     only these
set -euo pipefail
cd "$(dirname "$0")"
PATIENCE_S=30
ONLY=("$@")
wanted() { [ ${#ONLY[@]} -eq 0 ] || [[ " ${ONLY[*]} " == *" $1 "* ]]; }

stop() { # name signal
  local pid
  [ -s "run/$1.pid" ] || return 0
  pid=$(cat "run/$1.pid")
  # One that was stopped goes on, so that it can end.
  kill -CONT "$pid" 2>/dev/null || true
  kill "-$2" "$pid" 2>/dev/null || true
}

await() { # name
  local pid until=$((SECONDS + PATIENCE_S))
  [ -s "run/$1.pid" ] || return 0
  pid=$(cat "run/$1.pid")
  while kill -0 "$pid" 2>/dev/null && ! grep -qs '^State:.Z' "/proc/$pid/status"; do
    if [ $SECONDS -ge $until ]; then
      printf '%s\n' "$1 does not end by itself and is killed" >&2
      kill -KILL "$pid" 2>/dev/null || true
    fi
    sleep 0.1
  done
  rm -f "run/$1.pid"
}

names() { cd run && for file in *.pid; do [ -e "$file" ] && printf '%s\n' "${file%.pid}"; done; }
all=$(names)
for name in $all; do [[ $name == postgres-* ]] || ! wanted "$name" || stop "$name" TERM; done
for name in $all; do [[ $name == postgres-* ]] || ! wanted "$name" || await "$name"; done
for name in $all; do [[ $name != postgres-* ]] || ! wanted "$name" || stop "$name" INT; done
for name in $all; do [[ $name != postgres-* ]] || ! wanted "$name" || await "$name"; done
