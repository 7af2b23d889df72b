#!/usr/bin/env bash
# Starts whatever of this network does not run: PostgreSQL servers first, then every node. Prints where
# everything is. ./stop.sh stops it. Process ids and logs are in run/.
#
#   ./run.sh              everything
#   ./run.sh NAME...      only these nodes (see nodes.list), or postgres-0, postgres-1
set -euo pipefail
cd "$(dirname "$0")"
DIR=$PWD
LITTORAL=${LITTORAL:-@LITTORAL@}
ACCOUNT=@ACCOUNT@
# number, address, port, and a node beside it
POSTGRES="@POSTGRES@"
POSTGRES_VERSION=15
PATIENCE_S=60
mkdir -p run

say() { printf '%s\n' "$*" >&2; }
die() { say "$0: $*"; exit 1; }
wanted() { [ ${#ONLY[@]} -eq 0 ] || [[ " ${ONLY[*]} " == *" $1 "* ]]; }
# One that has ended and of which nobody has taken note yet is not alive.
alive() {
  local pid state
  [ -s "run/$1.pid" ] && pid=$(cat "run/$1.pid") && kill -0 "$pid" 2>/dev/null || return 1
  [ -e /proc/self/status ] || return 0
  state=$(grep -s '^State:' "/proc/$pid/status") && [[ $state != *Z* ]]
}
ONLY=("$@")

# --- PostgreSQL -------------------------------------------------------------------------------------

find_postgres() {
  BIN=
  local dir
  for dir in /usr/lib/postgresql/$POSTGRES_VERSION/bin /usr/lib/postgresql/*/bin; do
    [ -x "$dir/initdb" ] && BIN=$dir && return 0
  done
  dir=$(dirname "$(command -v initdb || true)")
  [ -n "$dir" ] && [ -x "$dir/initdb" ] && [ -x "$dir/postgres" ] && BIN=$dir && return 0
  return 1
}

install_postgres() {
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null ||
    die "no PostgreSQL here: install Debian's postgresql-$POSTGRES_VERSION and run this again"
  say "installing PostgreSQL from Debian"
  # The servers here are our own: the package need not make and start one.
  mkdir -p /etc/postgresql-common
  grep -qs '^create_main_cluster' /etc/postgresql-common/createcluster.conf ||
    echo 'create_main_cluster = false' >> /etc/postgresql-common/createcluster.conf
  export DEBIAN_FRONTEND=noninteractive
  { apt-get install -y --no-install-recommends "postgresql-$POSTGRES_VERSION" ||
    { apt-get update && apt-get install -y --no-install-recommends "postgresql-$POSTGRES_VERSION"; }; } \
    > run/apt.log 2>&1 || die "apt-get failed; see $DIR/run/apt.log"
}

# PostgreSQL does not run as root: then it runs as the user of the Debian package, in a folder that this
# user can reach.
prepare_postgres() {
  find_postgres || { install_postgres; find_postgres; } || die "PostgreSQL is installed, but has no initdb"
  AS=()
  HOME_OF_POSTGRES=$DIR
  [ "$(id -u)" = 0 ] || return 0
  id postgres >/dev/null 2>&1 || die "PostgreSQL does not run as root, and there is no user postgres"
  AS=(setpriv --reuid=postgres --regid=postgres --init-groups)
  if ! "${AS[@]}" test -x "$DIR" 2>/dev/null; then
    HOME_OF_POSTGRES=/var/tmp/littoral-$(printf %s "$DIR" | cksum | cut -d' ' -f1)
    mkdir -p "$HOME_OF_POSTGRES"
    chmod 711 "$HOME_OF_POSTGRES"
  fi
}

start_postgres() { # number address port
  local name=postgres-$1 data=$HOME_OF_POSTGRES/postgres-$1 password
  if alive "$name"; then return 0; fi
  if [ ! -s "$data/PG_VERSION" ]; then
    rm -rf "$data"
    mkdir -p "$data"
    password=$(mktemp)
    cat "postgres-$1.password" > "$password"
    [ ${#AS[@]} -eq 0 ] || chown postgres: "$data" "$password"
    (cd / && "${AS[@]}" "$BIN/initdb" -D "$data" -U littoral --auth=scram-sha-256 --pwfile="$password" \
      -E UTF8 --no-locale) > "run/$name.log" 2>&1 || { rm -f "$password"; die "initdb failed: $DIR/run/$name.log"; }
    rm -f "$password"
    printf '%s\n' "listen_addresses = '$2'" "port = $3" "unix_socket_directories = '$data'" \
      "max_connections = 200" "shared_buffers = 64MB" "max_wal_size = 512MB" >> "$data/postgresql.conf"
  fi
  local started='' until=$((SECONDS + PATIENCE_S))
  until PGPASSWORD=$(cat "postgres-$1.password") "$BIN/pg_isready" -q -h "$2" -p "$3"; do
    [ $SECONDS -lt $until ] || die "PostgreSQL $1 did not start: $DIR/run/$name.log"
    # Again, if it ended: after a kill it refuses for as long as nobody has taken note of the old one's end.
    if [ -z "$started" ] || ! kill -0 "$started" 2>/dev/null; then
      (cd / && exec setsid "${AS[@]}" "$BIN/postgres" -D "$data") >> "run/$name.log" 2>&1 < /dev/null &
      started=$!
    fi
    sleep 0.2
  done
  head -1 "$data/postmaster.pid" > "run/$name.pid"
  PGPASSWORD=$(cat "postgres-$1.password") "$BIN/psql" -qAt -h "$2" -p "$3" -U littoral -d postgres \
    -c "SELECT 1 FROM pg_database WHERE datname = 'littoral'" | grep -q 1 ||
    PGPASSWORD=$(cat "postgres-$1.password") "$BIN/createdb" -h "$2" -p "$3" -U littoral littoral
}

# --- Nodes ------------------------------------------------------------------------------------------

start_node() { # name
  if alive "$1"; then return 0; fi
  setsid "$LITTORAL" serve --config "nodes/$1/node.toml" >> "run/$1.log" 2>&1 < /dev/null &
  echo $! > "run/$1.pid"
}

answers() { # address:port
  local reply
  { exec 3<> "/dev/tcp/${1%:*}/${1##*:}"; } 2>/dev/null || return 1
  printf 'GET /healthz HTTP/1.0\r\n\r\n' >&3
  read -r -t 5 reply <&3 || reply=
  exec 3>&-
  [[ $reply == *" 200 "* ]]
}

await_node() { # name address
  local until=$((SECONDS + PATIENCE_S))
  until answers "$2"; do
    alive "$1" || die "node $1 ended: $(tail -n 5 "run/$1.log")"
    [ $SECONDS -lt $until ] || die "node $1 does not answer: $DIR/run/$1.log"
    sleep 0.1
  done
}

# --- All of it --------------------------------------------------------------------------------------

[ -x "$LITTORAL" ] || die "no littoral at $LITTORAL; set LITTORAL to where it is"
if [ -n "$POSTGRES" ]; then
  prepare_postgres
  while read -r number address port beside; do
    wanted "postgres-$number" || continue
    start_postgres "$number" "$address" "$port"
    "$LITTORAL" origin init --config "nodes/$beside/node.toml" --store "$number" >> "run/origin.log" 2>&1 ||
      die "the store was not prepared: $(tail -n 5 run/origin.log)"
  done <<< "$POSTGRES"
fi
while read -r name _; do wanted "$name" && start_node "$name"; done < nodes.list || true
while read -r name _ _ address; do wanted "$name" && await_node "$name" "$address"; done < nodes.list || true

printf '%-10s %-10s %-14s %s\n' node location region address
while read -r name location region address; do
  printf '%-10s %-10s %-14s http://%s\n' "$name" "$location" "$region" "$address"
done < nodes.list
[ -z "$POSTGRES" ] || while read -r number address port _; do
  printf '%-10s %-10s %-14s %s:%s\n' "postgres-$number" - - "$address" "$port"
done <<< "$POSTGRES"
read -r _ _ _ first < nodes.list
cat <<EOF

account  $ACCOUNT
token    $(cat token)

export LITTORAL_URL=http://$first LITTORAL_ACCOUNT=$ACCOUNT LITTORAL_TOKEN=\$(cat $DIR/token)
$LITTORAL kv namespace create demo --if-absent
EOF
