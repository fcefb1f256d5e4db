// Global variables of a session's object, by name.
#include <bpf/btf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "session.h"

namespace wirespan {
namespace {

bool IsDataSection(const char* name) {
  return strncmp(name, ".rodata", 7) == 0 || strncmp(name, ".data", 5) == 0 ||
         strncmp(name, ".bss", 4) == 0;
}

size_t MappedSize(const bpf_map* map) {
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const size_t bytes = ((bpf_map__value_size(map) + 7) & ~7u) * bpf_map__max_entries(map);
  return (bytes + page - 1) / page * page;
}

}  // namespace

Status Session::FindVariable(const std::string& name, Variable* variable) const {
  if (!is_open()) return Closed("find variable");
  const btf* types = bpf_object__btf(object_);
  const uint32_t count = types == nullptr ? 0 : btf__type_cnt(types);
  for (uint32_t id = 1; id < count; ++id) {
    const btf_type* section = btf__type_by_id(types, id);
    if (!btf_is_datasec(section)) continue;
    const char* section_name = btf__name_by_offset(types, section->name_off);
    if (section_name == nullptr || !IsDataSection(section_name)) continue;
    const btf_var_secinfo* entries = btf_var_secinfos(section);
    for (uint16_t i = 0; i < btf_vlen(section); ++i) {
      const btf_type* entry = btf__type_by_id(types, entries[i].type);
      if (name != btf__name_by_offset(types, entry->name_off)) continue;
      bpf_map* map = bpf_object__find_map_by_name(object_, section_name);
      if (map == nullptr) return Unknown("section of variable", name);
      *variable = {map, section_name, entries[i].offset, entries[i].size};
      return {};
    }
  }
  return Unknown("variable", name);
}

// Before load libbpf's own copy of the section; afterwards, for .data and .bss, the kernel's.
Status Session::AreaOf(const Variable& variable, const char* step, uint8_t** data) {
  size_t size = 0;
  auto* initial =
      static_cast<uint8_t*>(const_cast<void*>(bpf_map__initial_value(variable.map, &size)));
  const bool is_constant = variable.section.rfind(".rodata", 0) == 0;
  if (state_ == State::kLoaded && !is_constant) {
    auto found = areas_.find(variable.map);
    if (found == areas_.end()) {
      size = MappedSize(variable.map);
      void* address =
          mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(variable.map), 0);
      if (address == MAP_FAILED) {
        return Failure{
            .code = "ERR_NATIVE_MAP", .step = step, .object = variable.section, .error = errno};
      }
      found = areas_.emplace(variable.map, Area{address, size}).first;
    }
    initial = static_cast<uint8_t*>(found->second.address);
    size = found->second.size;
  }
  if (initial == nullptr || variable.offset + variable.size > size) {
    return Failure{.code = "ERR_NATIVE_MAP",
                   .step = step,
                   .object = variable.section,
                   .reason = "the section has no memory",
                   .advice = "rebuild the BPF object"};
  }
  *data = initial + variable.offset;
  return {};
}

Status Session::SetVariable(const std::string& name, Bytes value) {
  Variable variable{};
  uint8_t* data = nullptr;
  if (Status status = FindVariable(name, &variable)) return status;
  if (value.size != variable.size) return WrongSize(name, variable.size, value.size);
  if (state_ != State::kOpened && variable.section.rfind(".rodata", 0) == 0) {
    return Failure{.code = "ERR_NATIVE_STATE",
                   .step = "set variable",
                   .object = name,
                   .reason = "it is constant once the object is loaded",
                   .advice = "set it before load()"};
  }
  if (Status status = AreaOf(variable, "set variable", &data)) return status;
  memcpy(data, value.data, value.size);
  return {};
}

Status Session::GetVariable(const std::string& name, Bytes into) {
  Variable variable{};
  uint8_t* data = nullptr;
  if (Status status = FindVariable(name, &variable)) return status;
  if (into.size != variable.size) return WrongSize(name, variable.size, into.size);
  if (Status status = AreaOf(variable, "get variable", &data)) return status;
  memcpy(into.data, data, into.size);
  return {};
}

}  // namespace wirespan
