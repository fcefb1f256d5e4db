// One BPF object: open → configure → load → attach → close.
#ifndef WIRESPAN_NATIVE_SESSION_H_
#define WIRESPAN_NATIVE_SESSION_H_

#include <bpf/libbpf.h>
#include <napi.h>
#include <pthread.h>

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "args.h"
#include "error.h"

#if !defined(LIBBPF_MAJOR_VERSION) || LIBBPF_MAJOR_VERSION < 1
#error "libbpf 1.0 or newer is needed: install libbpf-dev of Debian 12, Ubuntu 24.04 or later"
#endif

namespace wirespan {

// Reads the file; nothing is in the kernel.
Status OpenObject(const std::string& path, bpf_object** object);

class Session {
 public:
  static constexpr napi_type_tag kTag = {0x8f3c1d7a52b94e61, 0xa1d05c7e93f2486b};
  static constexpr const char* kKind = "session";

  explicit Session(std::string path) : path_(std::move(path)) {}
  ~Session() { Close(); }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  Status Open() { return OpenObject(path_, &object_); }
  Status SetAutoload(const std::string& program, bool on);
  // What the verifier is thought to read of a program: parts are made as large as each other by it.
  Status SetWeight(const std::string& program, uint32_t instructions);
  Status SetMaxEntries(const std::string& map, uint32_t count);
  // Global variable of .rodata*, .data* or .bss*, found by the object's BTF.
  Status SetVariable(const std::string& name, Bytes value);
  Status GetVariable(const std::string& name, Bytes into);
  // Creates the maps, and begins to load a large object in up to so many parts, each in a thread.
  // Then only Load() and Close() may follow. A small object is left to Load().
  Status BeginLoad(size_t most_parts);
  // Ends what BeginLoad() began, or does all of it.
  Status Load(size_t most_parts = 1);
  Status Attach(const std::string& program);
  Status AttachCgroup(const std::string& program, const std::string& path);
  Status Detach(const std::string& program);
  // Runs an iterator to its end. `written` counts all bytes, also those beyond `into`.
  Status RunIterator(const std::string& program, const std::string& map, Bytes into,
                     size_t* written);
  // Runs a syscall program once, which may change `context`.
  Status RunProgram(const std::string& program, Bytes context, uint32_t* answer);
  // Destroys links before the object. Idempotent.
  void Close();

  bool is_open() const { return object_ != nullptr; }
  bool is_loaded() const { return state_ == State::kLoaded; }
  bpf_object* object() const { return object_; }
  Status FindProgram(const std::string& name, bpf_program** program) const;
  Status FindMap(const std::string& name, bpf_map** map) const;
  // As above, and the program or map is in the kernel.
  Status LiveProgram(const std::string& name, bpf_program** program) const;
  Status LiveMap(const std::string& name, bpf_map** map) const;

 private:
  enum class State { kOpened, kLoading, kLoaded, kFailed };
  struct Area {
    void* address;
    size_t size;
  };
  struct Variable {
    bpf_map* map;
    std::string section;
    size_t offset;
    size_t size;
  };

  // The same file again, with programs that object_ left out.
  struct Part {
    std::string path;
    bpf_object* object = nullptr;
    size_t weight = 0;
    Status status;
    pthread_t thread;
    bool has_thread = false;
  };

  size_t WeightOf(const bpf_program* program) const;
  std::vector<bpf_program*> Wanted() const;
  Status BeginParts(const std::vector<bpf_program*>& programs, size_t count);
  // Waits for the threads, and does what has none.
  Status FinishParts();
  static void* RunPart(void* part);
  Status RequireOpened(const char* step) const;
  Status RequireLoaded(const char* step) const;
  Status FindVariable(const std::string& name, Variable* variable) const;
  Status AreaOf(const Variable& variable, const char* step, uint8_t** data);
  Status IteratorLink(const std::string& program, const std::string& map, bpf_link** link);
  Status KeepLink(const std::string& program, bpf_link* link, int error, const std::string& log);

  std::string path_;
  bpf_object* object_ = nullptr;
  std::deque<Part> parts_;  // threads hold pointers into it
  State state_ = State::kOpened;
  std::map<std::string, uint32_t> weights_;                         // by program
  std::map<std::string, bpf_link*> links_;                          // by program
  std::map<std::pair<std::string, std::string>, bpf_link*> iters_;  // by program and map
  std::map<bpf_map*, Area> areas_;  // .data and .bss of the loaded object
};

// Loads one program of `path` alone, attaches it when it is a tracing program, and undoes all.
// `refused` is set when the kernel said no; the returned failure is for what is not the kernel's.
Status TryLoad(const std::string& path, const std::string& program, const std::string& cgroup,
               Status* refused);

void ExportSession(Napi::Env env, Napi::Object exports);

}  // namespace wirespan

#endif  // WIRESPAN_NATIVE_SESSION_H_
