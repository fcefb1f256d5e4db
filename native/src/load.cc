// Loading a session. What the verifier has to read of one object can take seconds, and it reads one
// program after the other: large objects are loaded in parts, side by side, with the same maps.
#include <bpf/bpf.h>
#include <fcntl.h>
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "log.h"
#include "session.h"

namespace wirespan {
namespace {

// A part costs another parse of the kernel's types: some 50 ms, as long as the verifier takes for
// about so much.
constexpr size_t kInstructionsAPart = 8192;
// The largest program alone takes a third.
constexpr size_t kMostParts = 3;
constexpr size_t kOtherFiles = 16;

// libbpf gives other errors, or none, for some of the files that it could not open.
Status RequireFiles(size_t wanted, const std::string& path) {
  std::vector<int> files;
  int error = 0;
  while (files.size() < wanted && error == 0) {
    const int file = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (file < 0) error = errno;
    if (file >= 0) files.push_back(file);
  }
  for (const int file : files) close(file);
  if (!IsShortage(error)) return {};
  return Failure{
      .code = "ERR_NATIVE_LOAD", .step = "load BPF object", .object = path, .error = error};
}

Status LoadObject(bpf_object* object, const std::string& path) {
  LogCapture log;
  const int result = bpf_object__load(object);
  if (result == 0) return {};
  const std::string& program = log.FailedProgram();
  const std::string& map = log.FailedMap();
  std::string step = "load BPF object";
  if (!map.empty()) step = "create map";
  if (!program.empty()) step = "load program";
  return Failure{.code = "ERR_NATIVE_LOAD",
                 .step = step,
                 .object = !program.empty() ? program
                           : !map.empty()   ? map
                                            : path,
                 .error = -result,
                 .log = log.Verifier()};
}

// Both are of one file: their maps come in one order.
int ShareMaps(bpf_object* from, bpf_object* to) {
  bpf_map* source = nullptr;
  bpf_map* target = nullptr;
  while ((source = bpf_object__next_map(from, source)) != nullptr) {
    target = bpf_object__next_map(to, target);
    const int fd = bpf_map__fd(source);
    const int result =
        fd < 0 ? bpf_map__set_autocreate(target, false) : bpf_map__reuse_fd(target, fd);
    if (result != 0) return -result;
  }
  return 0;
}

}  // namespace

void* Session::RunPart(void* argument) {
  auto* part = static_cast<Part*>(argument);
  part->status = LoadObject(part->object, part->path);
  return nullptr;
}

size_t Session::WeightOf(const bpf_program* program) const {
  const auto given = weights_.find(bpf_program__name(program));
  return given != weights_.end() ? given->second : bpf_program__insn_cnt(program);
}

// Programs that are to be loaded, the heaviest first.
std::vector<bpf_program*> Session::Wanted() const {
  std::vector<bpf_program*> found;
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object_) {
    if (bpf_program__autoload(program)) found.push_back(program);
  }
  std::stable_sort(found.begin(), found.end(), [this](const auto* one, const auto* other) {
    return WeightOf(one) > WeightOf(other);
  });
  return found;
}

Status Session::BeginParts(const std::vector<bpf_program*>& programs, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    Part& part = parts_.emplace_back();
    part.path = path_;
    if (Status status = OpenObject(path_, &part.object)) return status;
    bpf_program* program = nullptr;
    bpf_object__for_each_program(program, part.object) bpf_program__set_autoload(program, false);
  }
  for (bpf_program* program : programs) {
    bpf_program__set_autoload(program, false);
    Part& lightest = *std::min_element(
        parts_.begin(), parts_.end(),
        [](const Part& one, const Part& other) { return one.weight < other.weight; });
    lightest.weight += WeightOf(program);
    bpf_program__set_autoload(
        bpf_object__find_program_by_name(lightest.object, bpf_program__name(program)), true);
  }
  // The maps alone.
  if (Status status = LoadObject(object_, path_)) return status;
  // The types of the kernel were there.
  malloc_trim(0);
  for (Part& part : parts_) {
    if (const int error = ShareMaps(object_, part.object)) {
      return Failure{
          .code = "ERR_NATIVE_LOAD", .step = "share the maps of", .object = path_, .error = error};
    }
  }
  for (Part& part : parts_) {
    part.has_thread = pthread_create(&part.thread, nullptr, RunPart, &part) == 0;
  }
  return {};
}

Status Session::FinishParts() {
  // Where there is no thread to be had, this one does it.
  for (Part& part : parts_) {
    if (!part.has_thread) RunPart(&part);
  }
  for (Part& part : parts_) {
    if (part.has_thread) pthread_join(part.thread, nullptr);
    part.has_thread = false;
  }
  // The types of the kernel were there once for each part.
  malloc_trim(0);
  for (Part& part : parts_) {
    if (part.status) return part.status;
  }
  return {};
}

Status Session::BeginLoad(size_t most_parts) {
  if (Status status = RequireOpened("load")) return status;
  const std::vector<bpf_program*> programs = Wanted();
  size_t instructions = 0;
  for (const bpf_program* program : programs) instructions += bpf_program__insn_cnt(program);
  const size_t parts = std::min({instructions / kInstructionsAPart, kMostParts, most_parts});
  // One part needs no object of its own.
  const size_t objects = parts < 2 ? 1 : 1 + parts;
  size_t maps = 0;
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object_) maps += 1;
  if (Status status = RequireFiles((kOtherFiles + maps) * objects + programs.size(), path_)) {
    return status;
  }
  if (parts < 2) return {};
  const Status status = BeginParts(programs, parts);
  state_ = status ? State::kFailed : State::kLoading;
  return status;
}

Status Session::Load(size_t most_parts) {
  if (!is_open() || state_ != State::kLoading) {
    if (Status status = BeginLoad(most_parts)) return status;
  }
  const Status status = parts_.empty() ? LoadObject(object_, path_) : FinishParts();
  state_ = status ? State::kFailed : State::kLoaded;
  return status;
}

}  // namespace wirespan
