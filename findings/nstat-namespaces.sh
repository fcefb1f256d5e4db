#!/usr/bin/env bash
# What: nstat in one network namespace takes away what it saw in another.
#   iproute2 6.1.0 of Debian 12; its source of June 2026 is the same. nstat prints what was counted since it ran last. What it saw is kept
#   by user id alone (main(), /tmp/.nstat.uUID), while the counters are of the namespace that it runs in, and what is less than
#   before counts as 0 (dump_incr_db()). It warns when another source wrote the history, but every namespace is "kernel". ifstat,
#   beside it, keeps interfaces by number and name, and each namespace has a "lo" with number 1.
# Seen: 50 connects in one namespace, 53 in another, then 1 more in the first, with nstat after each: 50, 3 and none. /proc/net/snmp
#   has 50, 53 and 51. With a history for each (NSTAT_HISTORY): 50, 53 and 1.
# Why it matters here: who goes through the pods of a node with nstat, to compare wirespan's retransmissions and drops with
#   the kernel's own, reads numbers that none of them counted, or no line at all.
# Needs root, Debian 12 with iproute2 (for its libraries), util-linux and bash.
set -euo pipefail
folder=$(mktemp -d)
holders=()
trap 'kill "${holders[@]}" 2>/dev/null || true; rm -rf "$folder"' EXIT
chmod 755 "$folder"
(cd "$folder" && apt-get download 'iproute2=6.1.0*' > apt.log 2>&1 && dpkg -x iproute2_*.deb .)
export PATH="$folder/bin:$folder/usr/bin:$PATH"
for which in a b; do
  unshare --net sh -c "ip link set lo up && touch $folder/$which && exec sleep 60" &
  holders+=($!)
  for _ in $(seq 100); do [ -e "$folder/$which" ] && break; sleep 0.05; done
done

# Connects in a namespace to a port where nobody listens, as often as it is told, and asks nstat twice.
connects() {
  nsenter --net="/proc/${holders[$1]}/ns/net" env FOLDER="$folder" bash -c '
    for ((i = 0; i < $2; i++)); do (exec 3<> /dev/tcp/127.0.0.1/9) 2> /dev/null || true; done
    asked() { echo $(NSTAT_HISTORY=$FOLDER/$1 nstat TcpActiveOpens | sed -n "s/^TcpActiveOpens *\([0-9]*\) .*/\1/p"); }
    shared=$(asked shared) own=$(asked own-$1)
    echo "namespace $1, $2 connects: one history ${shared:-none}, its own ${own:-none}," \
      "the kernel $(awk "/^Tcp:/ { value = \$6 } END { print value }" /proc/net/snmp)"
  ' _ "$1" "$2"
}
{ connects 0 50; connects 1 53; connects 0 1; } | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN'
namespace 0, 50 connects: one history 50, its own 50, the kernel 50
namespace 1, 53 connects: one history 3, its own 53, the kernel 53
namespace 0, 1 connects: one history none, its own 1, the kernel 51
SEEN
