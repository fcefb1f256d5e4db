// Programs that user space calls.
#include <bpf/bpf.h>

#include <cerrno>

#include "session.h"

namespace wirespan {

Status Session::RunProgram(const std::string& name, Bytes context, uint32_t* answer) {
  bpf_program* program = nullptr;
  if (Status status = LiveProgram(name, &program)) return status;
  bpf_test_run_opts options{};
  options.sz = sizeof(options);
  options.ctx_in = context.data;
  options.ctx_size_in = static_cast<uint32_t>(context.size);
  const int result = bpf_prog_test_run_opts(bpf_program__fd(program), &options);
  if (result != 0) {
    return Failure{
        .code = "ERR_NATIVE_PROGRAM", .step = "run program", .object = name, .error = -result};
  }
  *answer = options.retval;
  return {};
}

}  // namespace wirespan
