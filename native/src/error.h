// The one way an error leaves the addon: a Failure, thrown as the NativeError class of index.ts.
#ifndef WIRESPAN_NATIVE_ERROR_H_
#define WIRESPAN_NATIVE_ERROR_H_

#include <napi.h>

#include <optional>
#include <string>

namespace wirespan {

// Why something failed. The message reads: "<step> <object>: <reason> (<errno>); <advice>."
struct Failure {
  const char* code;    // ERR_NATIVE_*
  std::string step;    // e.g. "load program"
  std::string object;  // program, map, variable or path
  int error = 0;       // positive errno, 0 when the kernel said nothing
  std::string reason;  // replaces strerror(error) when set
  std::string advice;  // what to do; chosen by errno when empty
  std::string log;     // what libbpf and the verifier printed
  double needed = 0;   // bytes the caller's buffer must have
};

// Empty on success.
using Status = std::optional<Failure>;

// Throws `failure` in `env` and returns undefined, for `return Throw(...)`.
Napi::Value Throw(Napi::Env env, const Failure& failure);

// Whether the process or the machine lacks something, which says nothing of what was asked for.
bool IsShortage(int error);

// Undefined on success, else throws.
Napi::Value Settle(Napi::Env env, const Status& status);

// The constructor given by index.ts, kept in the env's instance data.
void SetErrorClass(Napi::Env env, Napi::Function constructor);

Failure Closed(const char* step);
Failure Unknown(const char* what, const std::string& name);
Failure WrongSize(const std::string& object, size_t expected, size_t got);

}  // namespace wirespan

#endif  // WIRESPAN_NATIVE_ERROR_H_
