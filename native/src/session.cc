#include "session.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "log.h"

namespace wirespan {

Status OpenObject(const std::string& path, bpf_object** object) {
  LogCapture log;
  *object = bpf_object__open_file(path.c_str(), nullptr);
  if (*object != nullptr) return {};
  return Failure{.code = "ERR_NATIVE_OPEN",
                 .step = "open BPF object",
                 .object = path,
                 .error = errno,
                 .advice = "build it with 'npm run build', and check that the file is a BPF object",
                 .log = log.Verifier()};
}

Status Session::RequireOpened(const char* step) const {
  if (!is_open()) return Closed(step);
  if (state_ == State::kOpened) return {};
  return Failure{.code = "ERR_NATIVE_STATE",
                 .step = step,
                 .object = path_,
                 .reason = state_ == State::kLoading ? "the object is being loaded"
                                                     : "the object has been loaded",
                 .advice = "do it before load()"};
}

Status Session::RequireLoaded(const char* step) const {
  if (!is_open()) return Closed(step);
  if (is_loaded()) return {};
  return Failure{.code = "ERR_NATIVE_STATE",
                 .step = step,
                 .object = path_,
                 .reason = "the object is not loaded",
                 .advice = "call load() first"};
}

Status Session::FindProgram(const std::string& name, bpf_program** program) const {
  if (!is_open()) return Closed("find program");
  *program = bpf_object__find_program_by_name(object_, name.c_str());
  if (*program == nullptr) return Unknown("program", name);
  for (const Part& part : parts_) {
    bpf_program* loaded = bpf_object__find_program_by_name(part.object, name.c_str());
    if (bpf_program__fd(loaded) >= 0) *program = loaded;
  }
  return {};
}

Status Session::FindMap(const std::string& name, bpf_map** map) const {
  if (!is_open()) return Closed("find map");
  *map = bpf_object__find_map_by_name(object_, name.c_str());
  if (*map == nullptr) return Unknown("map", name);
  return {};
}

Status Session::LiveProgram(const std::string& name, bpf_program** program) const {
  if (Status status = RequireLoaded("use program")) return status;
  if (Status status = FindProgram(name, program)) return status;
  if (bpf_program__fd(*program) >= 0) return {};
  return Failure{.code = "ERR_NATIVE_STATE",
                 .step = "use program",
                 .object = name,
                 .reason = "it was left out at load()",
                 .advice = "turn its autoload on before load()"};
}

Status Session::LiveMap(const std::string& name, bpf_map** map) const {
  if (Status status = RequireLoaded("use map")) return status;
  if (Status status = FindMap(name, map)) return status;
  if (bpf_map__fd(*map) >= 0) return {};
  return Failure{.code = "ERR_NATIVE_STATE",
                 .step = "use map",
                 .object = name,
                 .reason = "it was not created",
                 .advice = "let load() create it"};
}

Status Session::SetAutoload(const std::string& name, bool on) {
  bpf_program* program = nullptr;
  if (Status status = RequireOpened("set autoload")) return status;
  if (Status status = FindProgram(name, &program)) return status;
  bpf_program__set_autoload(program, on);
  return {};
}

Status Session::SetWeight(const std::string& name, uint32_t instructions) {
  bpf_program* program = nullptr;
  if (Status status = RequireOpened("set weight")) return status;
  if (Status status = FindProgram(name, &program)) return status;
  weights_[name] = instructions;
  return {};
}

Status Session::SetMaxEntries(const std::string& name, uint32_t count) {
  bpf_map* map = nullptr;
  if (Status status = RequireOpened("set max entries")) return status;
  if (Status status = FindMap(name, &map)) return status;
  const int result = bpf_map__set_max_entries(map, count);
  if (result == 0) return {};
  return Failure{
      .code = "ERR_NATIVE_MAP", .step = "set max entries of", .object = name, .error = -result};
}

Status Session::KeepLink(const std::string& name, bpf_link* link, int error,
                         const std::string& log) {
  if (link != nullptr) {
    links_[name] = link;
    return {};
  }
  return Failure{.code = "ERR_NATIVE_ATTACH",
                 .step = "attach program",
                 .object = name,
                 .error = error,
                 .log = log};
}

static Failure AlreadyAttached(const std::string& name) {
  return {.code = "ERR_NATIVE_STATE",
          .step = "attach program",
          .object = name,
          .reason = "it is attached already",
          .advice = "detach it first"};
}

Status Session::Attach(const std::string& name) {
  bpf_program* program = nullptr;
  if (Status status = LiveProgram(name, &program)) return status;
  if (links_.count(name) != 0) return AlreadyAttached(name);
  LogCapture log;
  bpf_link* link = bpf_program__attach(program);
  return KeepLink(name, link, errno, log.Verifier());
}

// The kernel would attach a program of another type to its own hook and ignore the cgroup.
static bool IsCgroupProgram(const bpf_program* program) {
  switch (bpf_program__type(program)) {
    case BPF_PROG_TYPE_CGROUP_SKB:
    case BPF_PROG_TYPE_CGROUP_SOCK:
    case BPF_PROG_TYPE_CGROUP_SOCK_ADDR:
    case BPF_PROG_TYPE_CGROUP_SOCKOPT:
    case BPF_PROG_TYPE_CGROUP_SYSCTL:
    case BPF_PROG_TYPE_CGROUP_DEVICE:
    case BPF_PROG_TYPE_SOCK_OPS:
      return true;
    default:
      return false;
  }
}

Status Session::AttachCgroup(const std::string& name, const std::string& path) {
  bpf_program* program = nullptr;
  if (Status status = LiveProgram(name, &program)) return status;
  if (links_.count(name) != 0) return AlreadyAttached(name);
  if (!IsCgroupProgram(program)) {
    return Failure{.code = "ERR_NATIVE_KIND",
                   .step = "attach program to a cgroup",
                   .object = name,
                   .reason = "it is of another type",
                   .advice = "use attach()"};
  }
  const int cgroup = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (cgroup < 0) {
    return Failure{.code = "ERR_NATIVE_ATTACH",
                   .step = "open cgroup",
                   .object = path,
                   .error = errno,
                   .advice = "give the path of a mounted cgroup v2 directory"};
  }
  LogCapture log;
  bpf_link* link = bpf_program__attach_cgroup(program, cgroup);
  const int error = errno;
  close(cgroup);
  return KeepLink(name, link, error, log.Verifier());
}

Status Session::Detach(const std::string& name) {
  bpf_program* program = nullptr;
  if (Status status = FindProgram(name, &program)) return status;
  auto found = links_.find(name);
  if (found != links_.end()) {
    bpf_link__destroy(found->second);
    links_.erase(found);
  }
  for (auto link = iters_.begin(); link != iters_.end();) {
    if (link->first.first != name) {
      ++link;
      continue;
    }
    bpf_link__destroy(link->second);
    link = iters_.erase(link);
  }
  return {};
}

void Session::Close() {
  LogCapture log;
  for (auto& link : links_) bpf_link__destroy(link.second);
  for (auto& link : iters_) bpf_link__destroy(link.second);
  for (auto& area : areas_) munmap(area.second.address, area.second.size);
  links_.clear();
  iters_.clear();
  areas_.clear();
  for (Part& part : parts_) {
    if (part.has_thread) pthread_join(part.thread, nullptr);
    bpf_object__close(part.object);
  }
  parts_.clear();
  bpf_object__close(object_);
  object_ = nullptr;
}

}  // namespace wirespan
