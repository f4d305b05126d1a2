//===- Compiler.cpp - compiling from Python -------------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Errors.h"
#include "Objects.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <optional>

namespace nb = nanobind;
using namespace moe::python;

namespace {

/// The functions of one source.
struct Module {
  Owner<MoeModule, moe_module_destroy> handle;

  nb::list functions() const {
    size_t count = 0;
    check(moe_module_size(handle.get(), &count));
    nb::list list;
    for (size_t i = 0; i < count; ++i) {
      Owner<MoeFunction, moe_function_destroy> function;
      check(moe_module_function(handle.get(), i, function.out()));
      list.append(nb::cast(new Function(std::move(function)),
                           nb::rv_policy::take_ownership));
    }
    return list;
  }

  nb::dict times() const {
    MoeTimes times{};
    times.size = sizeof times;
    check(moe_module_times(handle.get(), &times));
    nb::dict dict;
    dict["parse"] = times.parse;
    dict["lower"] = times.lower;
    dict["codegen"] = times.codegen;
    dict["link"] = times.link;
    dict["from_cache"] = bool(times.from_cache);
    return dict;
  }
};

class Compiler {
public:
  Compiler(const std::string &target, const std::string &cpu,
           const std::string &from, const std::optional<std::string> &cache) {
    MoeCompilerOptions options{};
    options.size = sizeof options;
    options.target = target.c_str();
    options.cpu = cpu.c_str();
    options.from = from.c_str();
    options.cache_dir = cache ? cache->c_str() : nullptr;
    options.diagnostics = DiagnosticScope::receive;
    check(moe_compiler_create(&options, handle.out()));
  }

  /// Runs `action` without the GIL; returns the diagnostics it gave rise to.
  template <typename Action> nb::list run(Action action) const {
    DiagnosticScope scope;
    MoeStatus status;
    {
      nb::gil_scoped_release release;
      status = action();
    }
    nb::list diagnostics = scope.toPython();
    if (status != MOE_OK)
      raiseStatus(status, diagnostics);
    return diagnostics;
  }

  nb::tuple compile(nb::bytes source, const std::string &name) const {
    Module module;
    nb::list diagnostics = run([&] {
      return moe_compile(handle.get(), source.c_str(), source.size(),
                         name.c_str(), module.handle.out());
    });
    return nb::make_tuple(std::move(module), diagnostics);
  }

  nb::tuple compileFile(const std::string &path) const {
    Module module;
    nb::list diagnostics = run([&] {
      return moe_compile_file(handle.get(), path.c_str(), module.handle.out());
    });
    return nb::make_tuple(std::move(module), diagnostics);
  }

  nb::tuple loadObject(nb::bytes object) const {
    Module module;
    nb::list diagnostics = run([&] {
      return moe_load_object(handle.get(), object.data(), object.size(),
                             module.handle.out());
    });
    return nb::make_tuple(std::move(module), diagnostics);
  }

  nb::bytes emit(nb::bytes source, const std::string &name,
                 const std::string &what) const {
    Owner<MoeBuffer, moe_buffer_destroy> buffer;
    run([&] {
      return moe_emit(handle.get(), source.c_str(), source.size(), name.c_str(),
                      what.c_str(), buffer.out());
    });
    const char *data = nullptr;
    size_t size = 0;
    check(moe_buffer_get(buffer.get(), &data, &size));
    return nb::bytes(data, size);
  }

  std::string cpu() const {
    const char *name = nullptr;
    check(moe_compiler_cpu(handle.get(), &name));
    return name;
  }

  nb::dict statistics() const {
    MoeStatistics statistics{};
    statistics.size = sizeof statistics;
    check(moe_compiler_statistics(handle.get(), &statistics));
    nb::dict dict;
    dict["compilations"] = statistics.compilations;
    dict["cache_hits"] = statistics.cache_hits;
    dict["cache_rejected"] = statistics.cache_rejected;
    return dict;
  }

private:
  Owner<MoeCompiler, moe_compiler_destroy> handle;
};

} // namespace

void moe::python::bindCompiler(nb::module_ &module) {
  nb::class_<Module>(module, "Module")
      .def("functions", &Module::functions)
      .def_prop_ro("times", &Module::times);
  nb::class_<Compiler>(module, "Compiler")
      .def(nb::init<const std::string &, const std::string &,
                    const std::string &, const std::optional<std::string> &>(),
           nb::arg("target"), nb::arg("cpu"), nb::arg("from_stage"),
           nb::arg("cache_dir").none())
      .def("compile", &Compiler::compile, nb::arg("source"), nb::arg("name"))
      .def("compile_file", &Compiler::compileFile, nb::arg("path"))
      .def("load_object", &Compiler::loadObject, nb::arg("object"))
      .def("emit", &Compiler::emit, nb::arg("source"), nb::arg("name"),
           nb::arg("what"))
      .def_prop_ro("cpu", &Compiler::cpu)
      .def_prop_ro("statistics", &Compiler::statistics);
}

NB_MODULE(_moe, module) {
  module.doc() = "The C API of moe, for the package around it.";
  bindCalls(module);
  bindCompiler(module);
  bindOpenMP(module);
  module.def("version", moe_version);
  module.def("api_version", moe_api_version);
  module.attr("API_VERSION") = MOE_API_VERSION;
  module.def("live_handles", moe_live_handles);
  module.def("cpu_features", moert_cpu_features);
  module.def("set_num_threads", setNumThreads, nb::arg("threads"));
  module.def("get_num_threads", getNumThreads);
}
