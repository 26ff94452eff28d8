#!/usr/bin/env bash
# A PostgreSQL server for the tests, in a folder of its own and at a socket in it, from the installed package (Debian: postgresql).
#   export ALPACA_TEST_POSTGRES="$(tests/postgres.sh start FOLDER)"     FOLDER must not exist yet
#   tests/postgres.sh stop FOLDER                                        ends it and removes the folder
set -euo pipefail
[ $# = 2 ] || { sed -n 2,4p "$0" >&2; exit 2; }
folder=$2
bin=$(find /usr/lib/postgresql -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -1)
[ -x "$bin/initdb" ] || { echo "PostgreSQL is not installed (apt-get install postgresql)." >&2; exit 1; }
as_user=()
[ "$(id -u)" != 0 ] || as_user=(runuser -u postgres --) # it does not run as root

case $1 in
    start)
        mkdir -p "$folder"
        [ "$(id -u)" != 0 ] || chown postgres "$folder"
        cd / # the other user may not enter this folder
        "${as_user[@]}" "$bin/initdb" --pgdata "$folder/data" --username postgres --auth trust --encoding UTF8 --no-locale --no-sync >"$folder.log" 2>&1 \
            && "${as_user[@]}" "$bin/pg_ctl" --pgdata "$folder/data" --log "$folder/server.log" --wait --options "-c listen_addresses='' -c unix_socket_directories='$folder' -c fsync=off -c max_connections=200" start >>"$folder.log" 2>&1 \
            || { cat "$folder.log" "$folder/server.log" >&2; exit 1; }
        echo "Host=$folder;Username=postgres;Database=postgres" ;;
    stop)
        cd /
        "${as_user[@]}" "$bin/pg_ctl" --pgdata "$folder/data" --mode immediate stop >/dev/null
        rm -rf "$folder" "$folder.log" ;;
    *) sed -n 2,4p "$0" >&2; exit 2 ;;
esac
