"""The command line: what each command prints and its exit code."""

import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import time
import unittest

from support import HEADGATE, Headgate, free_port, run_headgate, self_signed

GOOD = """
listeners: [{name: web, address: "127.0.0.1:PORT"}]
admin: none
metrics: none
accessLog: {to: "off"}
upstreams: {v1: {endpoints: ["127.0.0.1:1"]}, v2: {endpoints: ["127.0.0.1:2"]}}
routes:
  - name: api
    hostnames: [shop.example.com]
    matches: [{path: {prefix: /api}}]
    backends: [{upstream: v1, weight: 95}, {upstream: v2, weight: 5, force: [{header: {name: x-canary, exact: always}}]}]
  - {name: front, hostnames: [shop.example.com], backends: [{upstream: v1}]}
"""
BAD = GOOD.replace("upstream: v2, weight: 5", "upstream: v3, weight: 5")
COMMANDS = ["run", "demo", "validate", "explain", "schema", "routes", "upstreams", "reload", "healthz", "completion", "version"]


class WithFiles(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="hg-cli-")
        self.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name)

    def file(self, text: str, name: str = "headgate.yaml") -> str:
        path = self.folder / name
        path.write_text(text.replace("PORT", str(free_port())))
        return str(path)


class Run(WithFiles):
    def test_bad_configuration_is_1_with_all_diagnostics(self):
        result = run_headgate("run", "--config", self.file(BAD + "\nroutez: []"))
        self.assertEqual(result.returncode, 1)
        self.assertIn("error HG021: route 'api' sends to an unknown upstream 'v3'", result.stderr)
        self.assertIn("error HG010", result.stderr)
        self.assertIn("^^", result.stderr)

    def test_missing_configuration_is_1_and_named(self):
        result = run_headgate("run", "--config", "/nowhere.yaml")
        self.assertEqual(result.returncode, 1)
        self.assertIn("/nowhere.yaml", result.stderr)

    def test_bad_command_line_is_2(self):
        for arguments in (["run"], ["run", "--config"], ["ran"], [], ["run", "--config", "x", "--nope"]):
            self.assertEqual(run_headgate(*arguments).returncode, 2, arguments)

    def test_address_in_use_is_3_and_names_it(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            result = run_headgate("run", "--config", self.file(GOOD.replace("PORT", str(port))))
        self.assertEqual(result.returncode, 3)
        self.assertIn(f"127.0.0.1:{port}", result.stderr)

    def test_metrics_address_in_use_is_3(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            result = run_headgate("run", "--config", self.file(GOOD.replace("metrics: none", f"metrics: {{address: '127.0.0.1:{port}'}}")))
        self.assertEqual(result.returncode, 3)
        self.assertIn(str(port), result.stderr)

    def test_missing_certificate_is_1_with_its_place(self):
        tls = GOOD.replace('PORT"}', 'PORT", tls: {certificates: [{certFile: no.crt, keyFile: no.key}]}}')
        result = run_headgate("run", "--config", self.file(tls))
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr, r"headgate\.yaml:2:\d+: error HG060")
        self.assertIn("no.crt", result.stderr)

    def test_missing_token_is_1_with_its_place(self):
        admin = GOOD.replace("admin: none", "admin: {address: '127.0.0.1:PORT1', tokenFile: token}").replace("PORT1", str(free_port()))
        result = run_headgate("run", "--config", self.file(admin))
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr, r"headgate\.yaml:3:\d+: error HG060")

    def test_a_bad_file_of_a_directory_is_left_out_and_told(self):
        route = "routes: [{name: NAME, matches: [{path: {exact: /NAME}}], respond: {status: 204}}]"
        with Headgate({"headgate.yaml": 'listeners: [{name: web, address: "127.0.0.1:{port:web}"}]',
                       "good.yaml": route.replace("NAME", "good"), "bad.yaml": "routes: [{nome: x}]"}) as headgate:
            self.assertIn("bad.yaml:1:", headgate.logs())
            names = [r["name"] for r in headgate.get_json("/routes")["routes"]]
            self.assertEqual(names, ["good"])

    def test_empty_directory_is_ready_with_404(self):
        from support import request
        with Headgate({"headgate.yaml": 'listeners: [{name: web, address: "127.0.0.1:{port:web}"}]'}) as headgate:
            self.assertEqual(request(headgate.port("web"), "/").status, 404)

    def test_sigusr1_opens_the_access_log_again(self):
        from support import request, wait_until
        with Headgate('listeners: [{name: web, address: "127.0.0.1:{port:web}"}]') as headgate:
            request(headgate.port("web"), "/first")
            wait_until(lambda: "/first" in headgate.access_log.read_text(), "the first line")
            moved = headgate.root / "access.log.1"
            os.rename(headgate.access_log, moved)
            headgate.send_signal(signal.SIGUSR1)
            wait_until(headgate.access_log.exists, "the new file")
            request(headgate.port("web"), "/second")
            wait_until(lambda: "/second" in headgate.access_log.read_text(), "the second line")
            self.assertNotIn("/second", moved.read_text())


    def test_a_configuration_without_a_listener_is_1(self):
        for text in ("", "# nothing\n", "~\n", "routes: []\n"):
            result = run_headgate("run", "--config", self.file(text))
            self.assertEqual(result.returncode, 1, text)
            self.assertIn("HG045: there is no listener", result.stderr)
        empty = self.folder / "empty"
        empty.mkdir()
        result = run_headgate("run", "--config", str(empty))
        self.assertEqual(result.returncode, 1)
        self.assertIn("the main file is missing", result.stderr)

    def test_what_is_passed_over_is_in_the_log_by_name(self):
        with Headgate({"headgate.yaml": 'listeners: [{name: web, address: "127.0.0.1:{port:web}"}]',
                       "team.yml": "routes: []"}) as headgate:
            self.assertIn("'team.yml' is not read", headgate.logs())


class Validate(WithFiles):
    def test_without_the_files_that_it_names(self):
        tls = GOOD.replace('PORT"}', 'PORT", tls: {certificates: [{certFile: no.crt, keyFile: no.key}]}}')
        path = self.file(tls.replace('{to: "off"}', "{to: /no/such/folder/access.log}"))
        with_files = run_headgate("validate", path)
        self.assertEqual(with_files.returncode, 1)
        for name in ("no.crt", "no.key", "/no/such/folder/access.log"):
            self.assertIn(name + ": ", with_files.stderr, "all of them at once")
        self.assertEqual(run_headgate("validate", "--no-files", path).returncode, 0)
        bad = self.file(tls + "routez: []\n")
        self.assertIn("HG060", run_headgate("validate", bad).stderr, "beside what else is wrong")
        self.assertNotIn("HG060", run_headgate("validate", "--no-files", bad).stderr)

    def test_of_standard_input(self):
        for text, code in ((GOOD.replace("PORT", "1234"), 0), (BAD.replace("PORT", "1234"), 1)):
            result = subprocess.run([HEADGATE, "validate", "-"], input=text, capture_output=True, text=True, check=False)
            self.assertEqual(result.returncode, code, result.stderr)
        self.assertIn("HG021", result.stderr)
        with open(self.file(BAD)) as file:
            result = subprocess.run([HEADGATE, "validate", "-"], stdin=file, capture_output=True, text=True, check=False)
        self.assertIn("HG021", result.stderr)

    def test_names_what_is_passed_over(self):
        self.file(GOOD)
        self.file("routes: []", "team.yml")
        result = run_headgate("validate", str(self.folder))
        self.assertEqual(result.returncode, 0)
        self.assertIn("warning HG047: 'team.yml' is not read", result.stderr)
        self.assertIn("rename it to team.yaml", result.stderr)

    def test_exit_codes(self):
        good, bad = self.file(GOOD, "good.yaml"), self.file(BAD, "bad.yaml")
        self.assertEqual(run_headgate("validate", good).returncode, 0)
        self.assertEqual(run_headgate("validate", bad).returncode, 1)
        self.assertEqual(run_headgate("validate", good, bad).returncode, 1)
        self.assertEqual(run_headgate("validate").returncode, 2)
        self.assertEqual(run_headgate("validate", "/nowhere").returncode, 1)
        self.assertEqual(run_headgate("validate", good, "--format", "xml").returncode, 2)

    def test_json_tells_file_line_and_code(self):
        result = run_headgate("validate", "--format", "json", self.file(GOOD, "good.yaml"), self.file(BAD, "bad.yaml"))
        good, bad = json.loads(result.stdout)
        self.assertTrue(good["valid"])
        self.assertEqual(good["problems"], [])
        self.assertFalse(bad["valid"])
        self.assertEqual(bad["problems"][0]["code"], "HG021")
        self.assertGreater(bad["problems"][0]["line"], 1)

    def test_json_has_the_same_keys_for_a_file_that_is_not_there(self):
        result = run_headgate("validate", "--format", "json", "/nowhere.yaml", self.file(BAD, "bad.yaml"))
        missing, bad = json.loads(result.stdout)
        self.assertEqual(missing["problems"][0].keys(), bad["problems"][0].keys())
        self.assertIn("/nowhere.yaml", missing["problems"][0]["message"])

    def test_json_names_a_file_of_a_directory_that_cannot_be_read(self):
        self.file(GOOD)
        (self.folder / "extra.yaml").symlink_to("nowhere.yaml")
        result = run_headgate("validate", "--format", "json", str(self.folder))
        self.assertEqual(result.returncode, 1)
        problem, = json.loads(result.stdout)[0]["problems"]
        self.assertEqual((problem["file"], problem["code"]), ("extra.yaml", "HG019"))
        self.assertEqual(problem["severity"], "error")

    def test_of_a_pipe_waits_for_a_slow_writer(self):
        for text, code in ((GOOD.replace("PORT", "1"), 0), (BAD.replace("PORT", "1"), 1)):
            with subprocess.Popen([HEADGATE, "validate", "/dev/stdin"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True) as process:
                for part in (text[:10], text[10:]):
                    time.sleep(0.2)
                    process.stdin.write(part)
                    process.stdin.flush()
                output, _ = process.communicate(timeout=20)
                self.assertEqual(process.returncode, code, output)

    def test_an_access_log_that_cannot_be_opened_is_told_and_none_is_made(self):
        to = GOOD.replace('{to: "off"}', "{to: WHERE}")
        result = run_headgate("validate", self.file(to.replace("WHERE", "nowhere/access.log")))
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr, r":5:\d+: error HG060: .*nowhere/access.log: No such file")
        self.assertEqual(run_headgate("validate", self.file(to.replace("WHERE", "access.log"))).returncode, 0)
        self.assertFalse((self.folder / "access.log").exists())
        (self.folder / "link.log").symlink_to("hop.log")
        for target, code in (("nowhere/access.log", 1), ("access.log", 0)):
            (self.folder / "hop.log").unlink(missing_ok=True)
            (self.folder / "hop.log").symlink_to(target)
            self.assertEqual(run_headgate("validate", self.file(to.replace("WHERE", "link.log"))).returncode, code)
        self.assertFalse((self.folder / "access.log").exists())

    def test_certificates_are_looked_at(self):
        self_signed(self.folder, ["a.example.com"])
        self_signed(self.folder, ["b.example.com"], "other")
        tls = GOOD.replace('PORT"}', 'PORT", tls: {certificates: [{certFile: tls.crt, keyFile: KEY}]}}')
        self.assertEqual(run_headgate("validate", self.file(tls.replace("KEY", "tls.key"))).returncode, 0)
        result = run_headgate("validate", self.file(tls.replace("KEY", "other.key")))
        self.assertEqual(result.returncode, 1)
        self.assertIn("error HG06", result.stderr)


class Explain(WithFiles):
    def explain(self, *arguments: str):
        return run_headgate("explain", "--config", self.file(GOOD), *arguments)

    def test_names_route_and_upstream_and_why_others_lost(self):
        result = self.explain("GET", "http://shop.example.com/api/x", "-H", "x-canary: always")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertRegex(result.stdout, r"route +api\n")
        self.assertRegex(result.stdout, r"upstream +v2\n")
        self.assertIn("front", result.stdout)

    def test_json(self):
        answer = json.loads(self.explain("--json", "GET", "http://shop.example.com/").stdout)
        self.assertEqual((answer["route"], answer["upstream"]), ("front", "v1"))

    def test_nobody_serves_it(self):
        result = self.explain("GET", "http://other.example.com/")
        self.assertEqual(result.returncode, 0)
        self.assertIn("404", result.stdout)

    def test_what_would_be_refused_says_why(self):
        result = self.explain("GET", "http://shop.example.com/%zz")
        self.assertEqual(result.returncode, 1)
        self.assertIn("refuses", result.stderr)

    def test_bad_header_is_2(self):
        self.assertEqual(self.explain("GET", "http://shop.example.com/", "-H", "nocolon").returncode, 2)


class AskingARunningOne(unittest.TestCase):
    def test_routes_upstreams_reload_healthz(self):
        text = """
listeners: [{name: web, address: "127.0.0.1:{port:web}"}]
upstreams: {v1: {endpoints: ["127.0.0.1:1"]}}
routes: [{name: api, matches: [{path: {prefix: /api}}], backends: [{upstream: v1}]}]
"""
        with Headgate(text) as headgate:
            admin = ["--admin", f"127.0.0.1:{headgate.admin}"]
            routes = run_headgate("routes", *admin)
            self.assertEqual(routes.returncode, 0, routes.stderr)
            self.assertIn("api\n", routes.stdout)
            self.assertIn("v1 1", routes.stdout)
            self.assertRegex(run_headgate("upstreams", *admin).stdout,
                             r"v1\n  connections 0, requests 0, pending 0\n  127\.0\.0\.1:1 +healthy, 0 requests\n")
            self.assertEqual(json.loads(run_headgate("routes", "--json", *admin).stdout)["routes"][0]["name"], "api")
            self.assertEqual(run_headgate("reload", "--admin", f"localhost:{headgate.admin}").returncode, 0)
            headgate.write(text + "\nnope: 1")
            refused = run_headgate("reload", *admin)
            self.assertEqual(refused.returncode, 1)
            self.assertIn("HG010", refused.stderr)
            metrics = ["--metrics", f"127.0.0.1:{headgate.metrics}"]
            self.assertEqual(run_headgate("healthz", *metrics).returncode, 0)
            self.assertEqual(run_headgate("healthz", "--live", *metrics).returncode, 0)

    def test_nobody_there_is_1_and_a_bad_address_2(self):
        port = free_port()
        for command in ("routes", "upstreams", "reload"):
            result = run_headgate(command, "--admin", f"127.0.0.1:{port}")
            self.assertEqual(result.returncode, 1)
            self.assertIn(str(port), result.stderr)
        self.assertEqual(run_headgate("healthz", "--metrics", f"127.0.0.1:{port}").returncode, 1)
        self.assertEqual(run_headgate("routes", "--admin", "nonsense").returncode, 2)
        self.assertIn("such as 127.0.0.1:9090", run_headgate("healthz", "--metrics", "nonsense").stderr)


class Words(unittest.TestCase):
    def test_an_unknown_one_is_named_with_the_nearest(self):
        for arguments, message in (
                (["valdate", "x"], "unknown command 'valdate'; did you mean 'validate'?"),
                (["check", "x"], "unknown command 'check'; did you mean 'validate'?"),
                (["frobnicate"], "unknown command 'frobnicate'"),
                (["run", "--confg", "x"], "unknown option '--confg' of 'run'; did you mean '--config'?"),
                (["run", "--confg=x"], "unknown option '--confg' of 'run'; did you mean '--config'?"),
                (["run", "--config", "x", "--admin", "y"], "unknown option '--admin' of 'run'; it is an option of "),
                (["--config", "x"], "unknown option '--config'; it is an option of run, explain"),
                (["validate", "x", "-z"], "unknown option '-z' of 'validate'")):
            result = run_headgate(*arguments)
            self.assertEqual(result.returncode, 2, arguments)
            self.assertIn(f"headgate: {message}", result.stderr)
        for arguments in (["run"], ["validate", "x", "--format", "xml"], []):
            self.assertNotIn("unknown", run_headgate(*arguments).stderr, arguments)

    def test_help_names_every_command_and_each_has_its_own(self):
        text = run_headgate("--help").stdout
        for command in COMMANDS:
            self.assertRegex(text, rf"(?m)^  {command}\b")
            help_text = run_headgate(command, "--help")
            self.assertEqual(help_text.returncode, 0)
            self.assertGreater(len(help_text.stdout), 60)

    def test_man_page_names_every_command_and_long_option(self):
        page = (pathlib.Path(__file__).parents[2] / "docs/man/headgate.1").read_text().replace("\\-", "-")
        page = re.sub(r"\\f[BIR]", "", page)
        for command in COMMANDS:
            self.assertRegex(page, rf"(?m)^\.B .*\b{command}\b", command)
            for option in re.findall(r"--[a-z-]+", run_headgate(command, "--help").stdout.split("Examples")[0]):
                if option not in ("--help", "--config"):
                    self.assertIn(option, page, f"{command} {option}")

    def test_version(self):
        result = run_headgate("version")
        self.assertRegex(result.stdout, r"^headgate \d+\.\d+\.\d+\n$")
        self.assertEqual(run_headgate("--version").stdout, result.stdout)

    def test_output_that_cannot_be_written_is_1(self):
        for command in ("version", "schema"):
            with open("/dev/full", "w") as full:
                result = subprocess.run([HEADGATE, command], stdout=full, stderr=subprocess.PIPE, check=False)
            self.assertEqual((result.returncode, result.stderr), (1, b"headgate: cannot write to standard output\n"))

    def test_schema_is_json(self):
        schema = json.loads(run_headgate("schema").stdout)
        self.assertIn("routes", schema["properties"])

    def test_completion_scripts_are_accepted_by_their_shell_and_name_every_command(self):
        for shell in ("bash", "zsh", "fish"):
            script = run_headgate("completion", shell)
            self.assertEqual(script.returncode, 0)
            for command in COMMANDS:
                self.assertIn(command, script.stdout)
        bash = subprocess.run(["bash", "-c", run_headgate("completion", "bash").stdout +
                               '\nCOMP_WORDS=(headgate val) COMP_CWORD=1\n_headgate\necho "${COMPREPLY[@]}"'],
                              capture_output=True, text=True, check=True)
        self.assertEqual(bash.stdout, "validate\n")
        self.assertEqual(run_headgate("completion", "tcsh").returncode, 2)


if __name__ == "__main__":
    unittest.main()
