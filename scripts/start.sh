#!/bin/sh
# npm start: sets up what is missing, then becomes the agent. From npm on there is one process, which gets each
# signal itself; nothing between the two has to pass it on.
#   sh scripts/start.sh [options of 'wirespan run']

# When npm is killed, nothing of it may go on: the kernel tells this process, which is the agent later.
if [ "$1" != --watched ] && setpriv --pdeathsig TERM true 2>/dev/null; then
  exec setpriv --pdeathsig TERM sh "$0" --watched "$PPID" "$@"
fi
if [ "$1" = --watched ]; then
  [ "$PPID" = "$2" ] || exit 143
  shift 2
fi

scripts=$(dirname "$(readlink -f "$0")")
stopped=
stop() {
  stopped=$2
  kill -s "$1" "$setup" 2>/dev/null
}
trap 'stop TERM 143' TERM
trap 'stop INT 130' INT
trap 'stop HUP 129' HUP
node "$scripts/setup.mjs" --build &
setup=$!
wait "$setup"
status=$?
# A signal ends `wait`, and not yet the set-up.
while kill -0 "$setup" 2>/dev/null; do
  wait "$setup"
  status=$?
done
trap - TERM INT HUP
[ -z "$stopped" ] || exit "$stopped"
[ "$status" -eq 0 ] || exit "$status"

command=$(node "$scripts/launch.mjs") || exit
eval "exec $command run \"\$@\""
