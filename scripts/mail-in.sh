#!/bin/sh
# Hands a mail on standard input to POST /inbound, for pipes of mail servers: mail-in.sh URL HEADER-FILE [RECIPIENT]
# Without a third argument the recipient is $RECIPIENT, which exim sets: it lets no address into a command line.
# The file holds one line, "Authorization: Bearer KEY": arguments can be read by every user of the machine, a file need not.
# Exits with 75 (EX_TEMPFAIL, sysexits.h) while the mail cannot be taken, so that the server keeps it and tries again, and
# with 65 (EX_DATAERR) when it never will be.
set -u
status=$(curl --silent --show-error --max-time 60 --output /dev/null --write-out '%{http_code}' \
  --header "@$2" --header "Content-Type: message/rfc822" --header "X-Envelope-To: ${3:-${RECIPIENT:-}}" \
  --data-binary @- "$1/inbound") || exit 75
case $status in
  2??) exit 0 ;;
  413 | 422) exit 65 ;;
  *)
    echo "POST /inbound: $status" >&2
    exit 75
    ;;
esac
