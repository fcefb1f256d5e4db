#!/bin/bash
# Run a command inside a stock Debian kernel under QEMU/TCG, seeing the host's files read-only.
#   run.sh fetch [KERNEL]                 download + prepare (cached); KERNEL: 6.1 (default) | 6.12 | 6.1-generic ...,
#                                         and of other Debians than this one: 5.10 (11) | 7 (backports of 13, the newest 7.x)
#   run.sh run [-k KERNEL] [-t SECS] [-m MIB] [-c CPUS] [-o OUTDIR] [-e VAR]... -- CMD [ARG]...
# The guest's root is the host's root (virtiofs, read-only) under a throw-away overlay; only OUTDIR is written through.
# The command starts in $PWD with PATH and the -e variables; its output is ours, its exit status is ours
# (124 = time limit, 125 = the VM died or gave no status). Needs root and: qemu-system-x86 kmod busybox-static cpio xz-utils
# (Debian 13 on: also virtiofsd). Nothing is installed: kernels are only unpacked under $KERNEL_VM_CACHE.
set -euo pipefail
CACHE=$(realpath -m "${KERNEL_VM_CACHE:-$(dirname "$0")/../../../.cache/kernels}")

fetch() { # sets D (kernel dir), V (release)
  local k=${1%-generic} f=cloud-amd64 a=(-o APT::Sandbox::User=root) s='' not='' uri pkg
  [ "$k" = "$1" ] || f=amd64
  D=$CACHE/$k-$f; mkdir -p "$CACHE"; exec 9> "$CACHE/lock"; flock 9
  if [ ! -f "$D/ok" ]; then
    rm -rf "$D"; mkdir -p "$D/apt/partial"
    case $k in 5.10) s=bullseye-security;; 7) s=trixie-backports not=-v;; esac
    if [ -n "$s" ]; then # lists of its own, from where the host's come: those are left as they are
      uri=$(apt-get indextargets --format '$(REPO_URI)' | sort -u | grep $not 'security/\?$' | head -1) || true
      [ -n "$uri" ] || { echo "no list of Debian packages for $1 (apt-get indextargets): apt-get update?" >&2; exit 125; }
      echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $uri $s main" > "$D/apt.list"
      a+=(-o Dir::Etc::SourceList="$D/apt.list" -o Dir::Etc::SourceParts=- -o Dir::State::Lists="$D/apt" -o Dir::Cache::PkgCache= -o Dir::Cache::SrcPkgCache=)
    fi
    apt-get "${a[@]}" -qq update >/dev/null 2>&1 || true
    pkg=$(apt-cache "${a[@]}" pkgnames "linux-image-$k." | grep -E "^linux-image-${k/./\\.}\.[0-9.]+([-+][0-9a-z]+)?-$f$" | sort -V | tail -1) || true
    [ -n "$pkg" ] || { echo "no package for $1: apt-get update? (Debian 12 has 6.1 and 6.12)" >&2; exit 125; }
    # From Linux 7 on the image is in packages that this one depends on, and all of it below /usr/lib/modules.
    pkg+=$(apt-cache "${a[@]}" depends "$pkg" | grep -oE " linux-(base|binary|modules)-$k\.\S+" | sort -u | tr -d '\n') || true
    (cd "$D" && apt-get -qq "${a[@]}" download $pkg && for pkg in *.deb; do dpkg -x "$pkg" .; done && rm -r ./*.deb ./apt*
     [ -d lib ] || { mkdir -p boot; mv usr/lib .; for f in vmlinuz config; do mv lib/modules/*/$f "boot/$f-$(ls lib/modules)"; done; })
    depmod -b "$D" "$(ls "$D/lib/modules")"; touch "$D/ok"
  fi
  V=$(ls "$D/lib/modules"); [ "$D/initrd" -nt "$0" ] || initrd > "$D/initrd"; exec 9>&-
}

initrd() { # busybox + the modules that mount the share; compiled-in ones are simply not listed by modprobe
  local t f b; t=$(mktemp -d); mkdir -p "$t"/{bin,m,proc,sys,dev,lo,rw,root}; cp "$(command -v busybox)" "$t/bin/busybox"
  for f in $(modprobe -d "$D" -S "$V" --show-depends -a virtio_pci virtiofs overlay | awk '$1=="insmod"&&!s[$2]++{print $2}'); do
    b=$(basename "${f%.xz}"); case $f in *.xz) xz -dc "$f";; *) cat "$f";; esac > "$t/m/$b"; echo "$b" >> "$t/m/order"
  done
  cat > "$t/init" <<'G'
#!/bin/busybox sh
b() { /bin/busybox "$@"; }
b mount -t proc p /proc; b mount -t sysfs s /sys; b mount -t devtmpfs d /dev
for m in $(b cat /m/order); do b insmod /m/$m; done
b mount -t virtiofs host /lo && b mount -t tmpfs t /rw && b mkdir /rw/u /rw/w &&
b mount -t overlay o -o lowerdir=/lo,upperdir=/rw/u,workdir=/rw/w /root || b poweroff -f
for a in $(b cat /proc/cmdline); do case $a in vm.out=*) o=${a#*=};; esac; done
b mount --bind /lo$o /root$o
b mount --move /dev /root/dev; b mount --move /sys /root/sys; b umount /proc; cd /root; b mount -t proc p proc; b mkdir -p dev/pts dev/shm run
b mount -t devpts d dev/pts; b mount -t tmpfs s dev/shm; b mount -t tmpfs r run; b mount -t cgroup2 c sys/fs/cgroup
b mount -t bpf b sys/fs/bpf; b mount -t tracefs t sys/kernel/tracing; b mount -t debugfs g sys/kernel/debug
b ln -s /proc/self/fd dev/fd; b ln -s fd/0 dev/stdin; b ln -s fd/1 dev/stdout; b ln -s fd/2 dev/stderr; b hostname vm; b ifconfig lo 127.0.0.1
b stty -F dev/ttyS0 raw -echo
k=lib/modules/$(b uname -r) d=.$(b cat ./$o/.vm/kernel); b mkdir -p $k; b mount --bind $d/$k $k; b mount --bind $d/boot boot
exec /bin/busybox switch_root /root /bin/sh $o/.vm/init
G
  chmod +x "$t/init"; (cd "$t" && find . | cpio -o -H newc --quiet); rm -r "$t"
}

run() {
  local k=6.1 t=300 m=2048 c=2 out='' e=(PATH HOME LANG CI) o
  while getopts k:t:m:c:o:e: o; do case $o in k) k=$OPTARG;; t) t=$OPTARG;; m) m=$OPTARG;; c) c=$OPTARG;; o) out=$OPTARG;; e) e+=("$OPTARG");; *) exit 125;; esac; done
  shift $((OPTIND - 1)); fetch "$k"
  local w r; w=$(mktemp -d "${TMPDIR:-/tmp}/kvm.XXXXXX"); r=$(mktemp -d "${TMPDIR:-/tmp}/kvmroot.XXXXXX")
  out=$(realpath -m "${out:-$w/out}"); mkdir -p "$out/.vm"
  { for o in "${e[@]}"; do [ -n "${!o+x}" ] && printf 'export %s=%q\n' "$o" "${!o}"; done; printf 'cd %q\nexec' "$PWD"; printf ' %q' "$@"; echo; } > "$out/.vm/cmd"
  echo "$D" > "$out/.vm/kernel"
  cat > "$out/.vm/init" <<G
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin; ulimit -l unlimited; ulimit -n 65536
mkfifo /run/out; cat < /run/out > /dev/ttyS0 & c=\$!
setsid -w bash $out/.vm/cmd </dev/null > /run/out 2>&1; echo \$? > $out/.vm/status
for p in /proc/[0-9]*; do p=\${p#/proc/}; case \$p in 1|\$c) ;; *) kill -9 \$p;; esac; done 2>/dev/null; wait \$c
sync; busybox poweroff -f
G
  local vfs; for vfs in /usr/lib/qemu/virtiofsd /usr/libexec/virtiofsd ''; do [ -x "$vfs" ] && break; done
  [ -n "$vfs" ] || { echo "no virtiofsd" >&2; exit 125; }
  # in a private mount namespace: everything read-only but OUTDIR
  unshare -m --propagation private bash -c '
    r=$1 out=$2 sock=$3 vfs=$4
    mount --rbind / "$r"; findmnt -Rrno TARGET "$r" | while read -r m; do mount -o remount,ro,bind "$(printf %b "$m")" 2>/dev/null; done
    mount --bind "$out" "$r$out"
    case $vfs in */qemu/*) a=(-f -o source="$r" -o cache=always);; *) a=(--shared-dir "$r" --cache always --no-announce-submounts);; esac
    exec "$vfs" --socket-path="$sock" "${a[@]}"' x "$r" "$out" "$w/sock" "$vfs" > "$w/virtiofsd.log" 2>&1 &
  local vp=$! qp rc=0 q
  trap 'kill ${qp:-} $vp 2>/dev/null || :; rmdir "$r" || :; rm -rf "$w" "$out/.vm"' EXIT; trap 'exit 125' INT TERM HUP
  for _ in $(seq 100); do [ -S "$w/sock" ] && break; sleep 0.05; done
  # thread=single: with thread=multi a CPU can run stale code while another patches it (int3 oops when probes attach).
  # Westmere: no SMAP and no AVX to emulate. ttyS0 carries the command's output, ttyS1 the kernel's log.
  timeout -k 5 "$t" qemu-system-x86_64 -M q35,memory-backend=mem -accel "${KERNEL_VM_ACCEL:-tcg,thread=single,tb-size=512}" \
    -cpu "${KERNEL_VM_CPU:-Westmere}" -smp "$c" -m "$m" -object memory-backend-memfd,id=mem,size="${m}M",share=on \
    -nodefaults -no-user-config -display none -no-reboot \
    -chardev socket,id=fs,path="$w/sock" -device vhost-user-fs-pci,chardev=fs,tag=host \
    -chardev stdio,id=con,signal=off -serial chardev:con -serial file:"$w/console" \
    -kernel "$D"/boot/vmlinuz-* -initrd "$D/initrd" \
    -append "console=ttyS1 quiet panic=-1 oops=panic mitigations=off tsc=reliable ${KERNEL_VM_APPEND:-} vm.out=$out" </dev/null & qp=$!
  wait $qp || rc=$?
  q=$(cat "$out/.vm/status" 2>/dev/null || true)
  [ -z "$q" ] || exit "$q"
  tail -n 40 "$w/console" "$w/virtiofsd.log" >&2 || true
  [ "$rc" != 124 ] && [ "$rc" != 137 ] || { echo "run.sh: time limit ($t s)" >&2; exit 124; }
  echo "run.sh: the guest gave no status (qemu $rc)" >&2; exit 125
}

case ${1:-} in fetch) shift; fetch "${1:-6.1}"; echo "$D $V";; run) shift; run "$@";; *) sed -n '2,8p' "$0"; exit 125;; esac
