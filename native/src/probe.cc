#include "probe.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

#include "error.h"
#include "log.h"

namespace wirespan {
namespace {

constexpr bpf_insn kReturnZero[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K},
                                    {.code = BPF_JMP | BPF_EXIT}};

// r0 = 0; *(u64 *)(r10 - 8) = r0; r0 = cmpxchg(r10 - 8, r0, r0); return 0
constexpr bpf_insn kCompareAndExchange[] = {
    kReturnZero[0],
    {.code = BPF_STX | BPF_MEM | BPF_DW, .dst_reg = BPF_REG_10, .off = -8},
    {.code = BPF_STX | BPF_ATOMIC | BPF_DW, .dst_reg = BPF_REG_10, .off = -8, .imm = BPF_CMPXCHG},
    kReturnZero[0],
    kReturnZero[1]};

// Whether the kernel takes this as a tracepoint program.
template <size_t kLength>
Napi::Value JsTakes(const Napi::CallbackInfo& info, const bpf_insn (&body)[kLength]) {
  LogCapture log;
  const int fd =
      bpf_prog_load(BPF_PROG_TYPE_TRACEPOINT, "wirespan_probe", "GPL", body, kLength, nullptr);
  const int error = errno;
  if (fd >= 0) close(fd);
  if (fd < 0 && IsShortage(error))
    return Throw(info.Env(),
                 Failure{.code = "ERR_NATIVE_LOAD", .step = "load a program", .error = error});
  return Napi::Boolean::New(info.Env(), fd >= 0);
}

// What CAP_BPF and CAP_PERFMON permit.
Napi::Value JsMayLoad(const Napi::CallbackInfo& info) { return JsTakes(info, kReturnZero); }

// Linux 5.12.
Napi::Value JsHasAtomics(const Napi::CallbackInfo& info) {
  return JsTakes(info, kCompareAndExchange);
}

Napi::Value JsPossibleCpus(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), libbpf_num_possible_cpus());
}

int64_t Nanoseconds(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<int64_t>(now.tv_sec) * 1000000000 + now.tv_nsec;
}

// One jiffy: the resolution of the coarse clock, which the kernel's tick moves.
Napi::Value JsTick(const Napi::CallbackInfo& info) {
  timespec tick{};
  clock_getres(CLOCK_MONOTONIC_COARSE, &tick);
  return Napi::Number::New(info.Env(), static_cast<double>(tick.tv_nsec));
}

// The tightest of several samples: the other clocks are read between two reads of the first.
Napi::Value JsClocks(const Napi::CallbackInfo& info) {
  constexpr int kSamples = 16;
  int64_t best_gap = INT64_MAX, monotonic = 0, realtime = 0, boottime = 0;
  for (int sample = 0; sample < kSamples; ++sample) {
    const int64_t before = Nanoseconds(CLOCK_MONOTONIC);
    const int64_t real = Nanoseconds(CLOCK_REALTIME);
    const int64_t boot = Nanoseconds(CLOCK_BOOTTIME);
    const int64_t gap = Nanoseconds(CLOCK_MONOTONIC) - before;
    if (gap >= best_gap) continue;
    best_gap = gap;
    monotonic = before + gap / 2;
    realtime = real;
    boottime = boot;
  }
  Napi::Env env = info.Env();
  Napi::Object answer = Napi::Object::New(env);
  answer.Set("monotonicNs", Napi::BigInt::New(env, monotonic));
  answer.Set("realtimeNs", Napi::BigInt::New(env, realtime));
  answer.Set("boottimeNs", Napi::BigInt::New(env, boottime));
  return answer;
}

}  // namespace

void ExportProbe(Napi::Env env, Napi::Object exports) {
  const auto add = [&](const char* name, Napi::Value (*function)(const Napi::CallbackInfo&)) {
    exports.Set(name, Napi::Function::New(env, function, name));
  };
  add("mayLoad", JsMayLoad);
  add("hasAtomics", JsHasAtomics);
  add("possibleCpus", JsPossibleCpus);
  add("tickNs", JsTick);
  add("clocks", JsClocks);
}

}  // namespace wirespan
