#!/bin/sh
# nchan 1.3 makes /var/lib/nginx/body, whatever is configured: its directive for another place is refused as a duplicate.
mkdir -p /var/lib/nginx 2>/dev/null
if ! [ -w /var/lib/nginx ]; then
    echo "nchan insists on the folder /var/lib/nginx: make it as root, writable for this user" >&2
    exit 1
fi
exec "$@"
