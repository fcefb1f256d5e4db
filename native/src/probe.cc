#include "probe.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <iterator>

#include "error.h"
#include "log.h"

namespace wirespan {
namespace {

// Loads "return 0" as a tracepoint program: what CAP_BPF and CAP_PERFMON permit.
Status MayLoad(bool* may) {
  LogCapture log;
  bpf_insn body[2] = {};
  body[0].code = BPF_ALU64 | BPF_MOV | BPF_K;
  body[1].code = BPF_JMP | BPF_EXIT;
  const int fd = bpf_prog_load(BPF_PROG_TYPE_TRACEPOINT, "wirespan_probe", "GPL", body,
                               std::size(body), nullptr);
  const int error = errno;
  *may = fd >= 0;
  if (fd >= 0) close(fd);
  if (*may || !IsShortage(error)) return {};
  return Failure{.code = "ERR_NATIVE_LOAD", .step = "load a program", .error = error};
}

Napi::Value JsMayLoad(const Napi::CallbackInfo& info) {
  bool may = false;
  if (Status status = MayLoad(&may)) return Throw(info.Env(), *status);
  return Napi::Boolean::New(info.Env(), may);
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
  add("possibleCpus", JsPossibleCpus);
  add("tickNs", JsTick);
  add("clocks", JsClocks);
}

}  // namespace wirespan
