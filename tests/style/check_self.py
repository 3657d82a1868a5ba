"""The checks find what they are for: each is given a small tree with one mistake and must name it.

usage: check_self.py
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
HEADER = "// What.\n// Who.\n// Which thread.\n#pragma once\n"


def run(check: str, tree: dict[str, str]) -> tuple[int, str]:
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        tree = {"dev": "#!/bin/bash\n", ".ci/run": "#!/bin/bash\n", **tree}
        for name, text in tree.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        for script in ("dev", ".ci/run"):
            (root / script).chmod(0o755)
        result = subprocess.run([sys.executable, "-B", HERE / f"check_{check}.py", root], capture_output=True,
                                text=True, check=False)
        return result.returncode, result.stdout + result.stderr


class Includes(unittest.TestCase):
    def refused(self, path: str, include: str, expected: str) -> None:
        code, output = run("includes", {path: f"#include {include}\n"})
        self.assertEqual(code, 1, output)
        self.assertIn(expected, output)

    def test_an_upward_include_is_refused(self):
        self.refused("http/a.cc", '"routing/b.h"', "http must not include routing/b.h")

    def test_an_upward_include_in_angle_brackets_is_refused(self):
        self.refused("proxy/a.cc", "<control/b.h>", "proxy must not include control/b.h")

    def test_a_sibling_include_is_refused(self):
        self.refused("config/a.h", '"http/b.h"', "config must not include http/b.h")

    def test_a_layer_within_anothers_folder_is_a_layer_of_its_own(self):
        self.refused("routing/a.cc", '"routing/compile/b.h"', "routing must not include routing/compile/b.h")
        self.refused("routing/a.cc", '"config/b.h"', "routing must not include config/b.h")
        self.refused("proxy/a.cc", '"routing/compile/b.h"', "proxy must not include routing/compile/b.h")
        self.refused("tests/http/a_test.cc", '"routing/compile/b.h"', "tests of http must not include")
        code, output = run("includes", {"tests/proxy/a_test.cc": '#include "routing/compile/b.h"\n'})
        self.assertEqual(code, 0, output)

    def test_an_include_that_is_not_rooted_is_refused(self):
        self.refused("base/a.cc", '"a.h"', "not rooted")

    def test_a_way_around_by_dots_is_refused(self):
        self.refused("base/a.cc", '"../http/a.h"', "not rooted")

    def test_an_external_library_outside_its_folder_is_refused(self):
        self.refused("routing/table.cc", "<re2/re2.h>", "belongs to routing/regex/")
        self.refused("proxy/exchange/a.cc", "<boost/asio/io_context.hpp>", "belongs to proxy/net/")

    def test_a_test_of_a_lower_layer_may_not_include_an_upper_one(self):
        self.refused("tests/http/a_test.cc", '"proxy/b.h"', "tests of http must not include proxy/b.h")

    def test_downward_includes_are_accepted(self):
        code, output = run("includes", {"routing/a.cc": '#include "http/b.h"\n#include <map>\n',
                                       "routing/compile/a.cc": '#include "config/c.h"\n#include "routing/b.h"\n'})
        self.assertEqual(code, 0, output)

    def test_a_loop_between_folders_of_a_layer_is_refused(self):
        tree = {"proxy/a/x.h": '#include "proxy/b/y.h"\n', "proxy/b/z.h": '#include "proxy/c/z.h"\n'}
        self.assertEqual(run("includes", tree)[0], 0)
        code, output = run("includes", {**tree, "proxy/c/w.cc": '#include "proxy/a/w.h"\n'})
        self.assertEqual(code, 1, output)
        self.assertIn("[loop] proxy/b/y.h: proxy/b includes proxy/a, which includes proxy/b", output)

    def test_an_empty_tree_is_no_success(self):
        self.assertEqual(run("includes", {})[0], 1)


class Recompiles(unittest.TestCase):
    def check(self, sources: dict[str, str]) -> tuple[int, str]:
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            commands = []
            for name, text in sources.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text)
                if name.endswith(".cc"):
                    commands.append({"file": str(root / name),
                                     "command": f"c++ -o {name.split('/')[0]}/CMakeFiles/x.dir/{name}.o"})
            (root / "commands.json").write_text(json.dumps(commands))
            result = subprocess.run([sys.executable, "-B", HERE / "check_recompiles.py", root, root / "commands.json"],
                                    capture_output=True, text=True, check=False)
            return result.returncode, result.stdout + result.stderr

    def test_few_may_read_the_model(self):
        reader = '#include "config/a.h"\n'
        tree = {"config/a.h": '#include "config/model.h"\n'}
        few = {f"config/{n}.cc": reader for n in range(6)}
        self.assertEqual(self.check({**tree, **few})[0], 0)
        code, output = self.check({**tree, **few, "app/more.cc": reader})
        self.assertEqual(code, 1, output)
        self.assertIn("7 of 7 compilations read config/model.h", output)

    def test_the_request_path_knows_no_configuration(self):
        tree = {"config/a.cc": '#include "config/model.h"\n', "routing/compile/a.h": '#include "config/b.h"\n'}
        self.assertEqual(self.check({**tree, "routing/compile/a.cc": '#include "config/b.h"\n'})[0], 0)
        code, output = self.check({**tree, "proxy/a.cc": '#include "routing/compile/a.h"\n'})
        self.assertEqual(code, 1, output)
        self.assertIn("proxy/a.cc reads the configuration's headers", output)


class Style(unittest.TestCase):
    def refused(self, path: str, text: str, rule: str) -> None:
        code, output = run("style", {path: text})
        self.assertEqual(code, 1, output)
        self.assertIn(f"[{rule}]", output)

    def test_a_header_without_its_three_lines_is_refused(self):
        self.refused("base/a.h", "// What.\n#pragma once\n", "header")

    def test_a_header_without_pragma_once_is_refused(self):
        self.refused("base/a.h", "// What.\n// Who.\n// Thread.\n", "header")

    def test_a_long_file_is_refused(self):
        self.refused("base/a.cc", "int x;\n" * 401, "size")

    def test_using_namespace_is_refused(self):
        self.refused("base/a.cc", "using namespace std;\n", "using-namespace")

    def test_a_promise_is_refused(self):
        self.refused("base/a.cc", "// TO" + "DO: later\n", "todo")

    def test_a_mutex_on_the_request_path_is_refused(self):
        self.refused("proxy/exchange/a.cc", "std::mutex m;\n", "request-path")

    def test_a_kubernetes_word_below_control_is_refused(self):
        self.refused("routing/a.cc", "int configmap;\n", "kubernetes")

    def test_a_unit_test_without_a_source_is_refused(self):
        self.refused("tests/base/a_test.cc", "int x;\n", "mirror")
        code, output = run("style", {"tests/base/slab_test.cc": "int x;\n", "base/arena.cc": "int x;\n"})
        self.assertEqual(code, 1, output)

    def test_a_unit_test_may_cover_several_sources_of_one_first_word(self):
        code, output = run("style", {"tests/base/slab_reuse_test.cc": "int x;\n", "base/slab_pool.cc": "int x;\n"})
        self.assertEqual(code, 0, output)

    def test_a_clean_tree_is_accepted(self):
        code, output = run("style", {"base/a.h": HEADER, "tests/base/a_test.cc": "int x;\n"})
        self.assertEqual(code, 0, output)

    def test_an_exception_needs_a_reason(self):
        tree = {"base/a.cc": "int x;\n" * 401}
        self.assertEqual(run("style", {**tree, "tests/style/exceptions": "size base/a.cc: a table\n"})[0], 0)
        code, output = run("style", {**tree, "tests/style/exceptions": "size base/a.cc\n"})
        self.assertEqual(code, 1)
        self.assertIn("rule path: reason", output)


if __name__ == "__main__":
    unittest.main()
