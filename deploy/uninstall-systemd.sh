#!/bin/sh
# Removes the service and its program; `--help` says how. The configuration, the data and the account stay.
set -eu

usage() {
    cat <<EOF
Usage: uninstall-systemd.sh [--prefix FOLDER] [--root FOLDER] [--dry-run]

Stops the service "alpaca", and removes its unit and its program. /etc/alpaca, /var/lib/alpaca, /var/cache/alpaca, /var/log/alpaca and the account stay.

  --prefix FOLDER  where the program is [default: /opt/alpaca]
  --root FOLDER    removes what was installed below this folder
  --dry-run        says what would be done
EOF
}

fail() {
    echo "uninstall-systemd.sh: $1" >&2
    exit "${2:-1}"
}

prefix=/opt/alpaca
root=
dry_run=false
while [ $# -gt 0 ]; do
    case $1 in
        --prefix | --root)
            if [ $# -lt 2 ] || [ -z "$2" ]; then fail "$1 wants a value." 2; fi
            case $1 in
                --prefix) prefix=$2 ;;
                --root) root=$2 ;;
            esac
            shift 2
            ;;
        --dry-run) dry_run=true; shift ;;
        -h | --help) usage; exit 0 ;;
        *) fail "$1 is no option; --help lists them." 2 ;;
    esac
done

case $prefix in
    *..*) fail "--prefix is '$prefix'; it must be without '..'." 2 ;;
    /*[!/]*) ;;
    *) fail "--prefix is '$prefix'; it must be a folder's absolute path." 2 ;;
esac
if [ -n "$root" ]; then
    [ -d "$root" ] || fail "--root is $root, which is no folder." 2
    root=$(cd "$root" && pwd -P)
    [ "$root" != / ] || root=
fi
target=$root$prefix
unit=$root/etc/systemd/system/alpaca.service
[ -e "$target" ] || [ -e "$unit" ] || fail "There is neither $target nor $unit; nothing is to be removed."
if [ -e "$target" ]; then
    for needed in alpaca plugins appsettings.json; do
        [ -e "$target/$needed" ] || fail "$target has no '$needed' and may not be Alpaca; name its folder with --prefix."
    done
fi
if [ -z "$root" ] && ! $dry_run && [ "$(id -u)" != 0 ]; then fail "Run it as root, or below another folder with --root."; fi

run() {
    if $dry_run; then echo "would run: $*"; else "$@"; fi
}

if [ -z "$root" ] && [ -e "$unit" ]; then run systemctl disable --now alpaca; fi
run rm -f "$unit"
[ -n "$root" ] || run systemctl daemon-reload
run rm -rf "$target"
if $dry_run; then echo "Nothing was done."
else echo "Removed. Still there: $root/etc/alpaca, $root/var/lib/alpaca, $root/var/cache/alpaca, $root/var/log/alpaca."; fi
