#!/bin/sh
# curl.sh PORT CONNECTIONS PARALLEL VALUE...: a run of curl over HTTP/2 without TLS for each `traceparent` value, CONNECTIONS of them at once.
# Each is a connection with one stream: curl 7.88 fails where it uses one again.
set -eu
port=$1 connections=$2
shift 3
body=$(head -c 600 /dev/zero | tr '\0' b)
printf '%s\n' "$@" | xargs -P "$connections" -I '{}' \
  curl -sS --fail --http2-prior-knowledge -H 'traceparent: {}' -d "$body" -o /dev/null "http://127.0.0.1:$port/"
