#!/bin/sh
# Installs a published folder as a systemd service, or upgrades one; `--help` says how. docs/hosting.md explains the places.
set -eu
umask 022

usage() {
    cat <<EOF
Usage: install-systemd.sh [--from PUBLISH_FOLDER] [--prefix FOLDER] [--user NAME] [--root FOLDER] [--dry-run]

Installs what \`dotnet publish host -c Release -o PUBLISH_FOLDER\` has made as the service "alpaca", or upgrades it.
An upgrade replaces the program and the unit, and keeps /etc/alpaca and all data.

  --from PUBLISH_FOLDER  the published folder [default: the one this script lies in, in deploy/]
  --prefix FOLDER        where the program goes [default: /opt/alpaca]
  --user NAME            the service's account and group, made if missing [default: alpaca]
  --root FOLDER          installs below this folder instead, for packages: no accounts, no owners, no systemctl
  --dry-run              says what would be done
EOF
}

fail() {
    echo "install-systemd.sh: $1" >&2
    exit "${2:-1}"
}

here=$(cd "$(dirname "$0")" && pwd)
from=$(dirname "$here")
prefix=/opt/alpaca
user=alpaca
root=
dry_run=false
while [ $# -gt 0 ]; do
    case $1 in
        --from | --prefix | --user | --root)
            if [ $# -lt 2 ] || [ -z "$2" ]; then fail "$1 wants a value." 2; fi
            case $1 in
                --from) from=$2 ;;
                --prefix) prefix=$2 ;;
                --user) user=$2 ;;
                --root) root=$2 ;;
            esac
            shift 2
            ;;
        --dry-run) dry_run=true; shift ;;
        -h | --help) usage; exit 0 ;;
        *) fail "$1 is no option; --help lists them." 2 ;;
    esac
done

# Everything is checked before anything is written. Names go into the unit, where spaces, % and quotes mean something.
case $prefix in
    *[!A-Za-z0-9._/+-]* | *..*) fail "--prefix is '$prefix'; it must consist of letters, digits and . _ + - /, without '..'." 2 ;;
    /*[!/]*) ;;
    *) fail "--prefix is '$prefix'; it must be a folder's absolute path." 2 ;;
esac
case $user in
    *[!a-z0-9_-]* | [!a-z_]*) fail "--user is '$user'; it must consist of small letters, digits, _ and -." 2 ;;
esac
prefix=/$(echo "$prefix" | sed -e 's#//*#/#g' -e 's#^/##' -e 's#/$##')
for needed in alpaca plugins samples appsettings.json; do
    [ -e "$from/$needed" ] || fail "$from has no '$needed'; publish with \`dotnet publish host -c Release -o FOLDER\` and name that folder with --from." 2
done
from=$(cd "$from" && pwd -P)
[ -f "$here/alpaca.service" ] || fail "$here has no alpaca.service; keep the script beside it."
if [ -n "$root" ]; then
    [ -d "$root" ] || fail "--root is $root, which is no folder." 2
    root=$(cd "$root" && pwd -P)
    [ "$root" != / ] || root=
fi
target=$root$prefix
case $from/ in "$target"/*) fail "--from is $from, which lies where the program is to go ($target); publish to another folder." 2 ;; esac
if [ -d "$target" ] && [ ! -e "$target/alpaca" ] && [ -n "$(ls -A "$target")" ]; then
    fail "$target holds something else than Alpaca; empty it or choose another --prefix."
fi
staged=false
[ -z "$root" ] || staged=true
if ! $staged && ! $dry_run; then
    [ "$(id -u)" = 0 ] || fail "Run it as root, or below another folder with --root."
    [ -d /run/systemd/system ] || fail "This machine does not run systemd; --root FOLDER installs below a folder."
fi

run() {
    if $dry_run; then echo "would run: $*"; else "$@"; fi
}

# A file is written beside its place and moved there, so that it is whole or not there.
write() { # mode, file; the content on standard input
    if $dry_run; then
        cat >/dev/null
        echo "would write: $2 (mode $1)"
        return
    fi
    cat >"$2.new"
    chmod "$1" "$2.new"
    mv -f "$2.new" "$2"
}

owner() { # owner:group, files; below --root whoever unpacks it decides
    $staged || run chown "$@"
}

etc=$root/etc/alpaca
state=$root/var/lib/alpaca
unit=$root/etc/systemd/system/alpaca.service

if ! $staged; then
    getent group "$user" >/dev/null || run groupadd --system "$user"
    getent passwd "$user" >/dev/null \
        || run useradd --system --gid "$user" --home-dir /var/lib/alpaca --no-create-home --shell /usr/sbin/nologin "$user"
fi

# 1. The program. It is copied beside its place while the old one still runs, and both change places in an instant. It belongs to root: a service cannot change what it runs.
if [ ! -e "$target" ] && [ -e "$target.old" ]; then run mv "$target.old" "$target"; fi # an upgrade was cut short in between
run rm -rf "$target.new" "$target.old"
run mkdir -p "$(dirname "$target")"
trap 'rm -rf "$target.new"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
$dry_run && trap - EXIT
run cp -R "$from" "$target.new"
run chmod -R u=rwX,go=rX "$target.new"
run chmod 0755 "$target.new/alpaca"
owner -R root:root "$target.new"
was_active=false
if ! $staged && systemctl is-active --quiet alpaca 2>/dev/null; then
    was_active=true
    run systemctl stop alpaca
fi
if [ -e "$target" ]; then run mv "$target" "$target.old"; fi
run mv "$target.new" "$target"
run rm -rf "$target.old"

# 2. The configuration, which is the administrator's from the first day on.
run mkdir -p "$etc"
run chmod 0750 "$etc"
owner "root:$user" "$etc"
if [ -e "$etc/appsettings.json" ]; then
    echo "$etc/appsettings.json is kept; the new version's own is $prefix/appsettings.json."
else
    # The sample's paths are relative to its file: here they lead to where things are.
    sed -e "s#\"samples/#\"$prefix/samples/#g" -e 's#"workspace/#"/var/lib/alpaca/#g' -e 's#"Workspace": "workspace"#"Workspace": "/var/lib/alpaca"#' \
        "$from/appsettings.json" | write 0640 "$etc/appsettings.json"
    owner "root:$user" "$etc/appsettings.json"
fi
if [ ! -e "$etc/secrets.env" ]; then
    echo '# ALPACA_Serving__ApiKey=…, HF_TOKEN=…: systemd reads this file, nobody else has to.' | write 0600 "$etc/secrets.env"
fi
run chmod 0600 "$etc/secrets.env"
owner root:root "$etc/secrets.env"

# 3. The data. Members of the group may drop files; nobody else sees anything.
for folder in "$state" "$root/var/cache/alpaca" "$root/var/log/alpaca"; do
    run mkdir -p "$folder"
    run chmod 0750 "$folder"
    owner "$user:$user" "$folder"
done
for folder in "$state/drops" "$state/drops/sample"; do
    [ ! -e "$folder" ] || continue
    run mkdir "$folder"
    run chmod 2770 "$folder"
    owner "$user:$user" "$folder"
done

# 4. The unit.
run mkdir -p "$(dirname "$unit")"
sed -e "s#/opt/alpaca/#$prefix/#g" -e "s#^User=.*#User=$user#" -e "s#^Group=.*#Group=$user#" "$here/alpaca.service" | write 0644 "$unit"
owner root:root "$unit"
$staged || run systemctl daemon-reload
$staged || run systemctl enable alpaca
if $was_active; then run systemctl start alpaca; fi

if $dry_run; then echo "Nothing was done."
elif $staged; then echo "Installed below $root."
elif $was_active; then echo "Upgraded; the service runs again."
else echo "Installed. Look through /etc/alpaca/appsettings.json, then: systemctl start alpaca"; fi
