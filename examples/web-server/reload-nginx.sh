#!/bin/sh
# Run by `certplan apply --on-collected` after each certificate: its files are in place by then.
#
#   install -o root -m 755 reload-nginx.sh /usr/local/libexec/certplan-reload-nginx
#
# certplan passes no argument. What it says stands in CERTPLAN_... variables, some of it from the manifest:
# use them in quotes, and never in `eval` or `sh -c`. It may run twice for one certificate: a reload may.
set -eu

directory=${CERTPLAN_DIRECTORY:?is set by certplan}
test -s "$directory/fullchain.pem"
test -s "$directory/privkey.pem"

# A configuration that nginx does not take leaves the old certificate in use, and the run fails.
nginx -t -q
nginx -s reload
printf 'nginx reloaded for %s, certificate %s\n' "$CERTPLAN_ADDRESS" "$CERTPLAN_SERIAL"
