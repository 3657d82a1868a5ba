#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "app/commands.h"
#include "app/exit_codes.h"

namespace headgate::app {
namespace {

struct Entry {
  std::string name;
  std::string help;
  std::vector<std::string> options;
};

// Out of the parser itself, so that no command can be missing.
std::vector<Entry> Entries(CLI::App& app) {
  std::vector<Entry> entries;
  for (CLI::App* command : app.get_subcommands([](CLI::App*) { return true; })) {
    Entry entry{command->get_name(), command->get_description(), {}};
    for (const CLI::Option* option : command->get_options()) {
      for (const std::string& name : option->get_lnames()) entry.options.push_back("--" + name);
      for (const std::string& name : option->get_snames()) entry.options.push_back("-" + name);
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

std::string Names(const std::vector<Entry>& entries) {
  std::string names;
  for (const Entry& entry : entries) names += (names.empty() ? "" : " ") + entry.name;
  return names;
}

std::string Options(const Entry& entry) {
  std::string options;
  for (const std::string& option : entry.options) options += (options.empty() ? "" : " ") + option;
  return options;
}

std::string Bash(const std::vector<Entry>& entries) {
  std::string script =
      "_headgate() {\n"
      "  local current=${COMP_WORDS[COMP_CWORD]}\n"
      "  if ((COMP_CWORD == 1)); then\n"
      "    COMPREPLY=($(compgen -W \"" +
      Names(entries) +
      " --help --version\" -- \"$current\"))\n"
      "    return\n"
      "  fi\n"
      "  local options=\n"
      "  case ${COMP_WORDS[1]} in\n";
  for (const Entry& entry : entries) script += "    " + entry.name + ") options=\"" + Options(entry) + "\" ;;\n";
  return script +
         "  esac\n"
         "  if [[ $current == -* ]]; then\n"
         "    COMPREPLY=($(compgen -W \"$options\" -- \"$current\"))\n"
         "  else\n"
         "    COMPREPLY=($(compgen -f -- \"$current\"))\n"
         "  fi\n"
         "}\n"
         "complete -o filenames -F _headgate headgate\n";
}

std::string Quoted(const std::string& text) {
  std::string quoted;
  for (const char c : text) {
    if (c == '\'' || c == ':' || c == '[' || c == ']') {
      quoted += ' ';
    } else {
      quoted += c;
    }
  }
  return quoted;
}

std::string Zsh(const std::vector<Entry>& entries) {
  std::string script = "#compdef headgate\n_headgate() {\n  if ((CURRENT == 2)); then\n    local -a commands=(\n";
  for (const Entry& entry : entries) script += "      '" + entry.name + ":" + Quoted(entry.help) + "'\n";
  script += "    )\n    _describe command commands\n    return\n  fi\n  local -a options=()\n  case $words[2] in\n";
  for (const Entry& entry : entries) script += "    " + entry.name + ") options=(" + Options(entry) + ") ;;\n";
  return script +
         "  esac\n  if [[ $PREFIX == -* ]]; then\n    compadd -- $options\n  else\n    _files\n  fi\n}\n"
         "if [[ $funcstack[1] == _headgate ]]; then\n  _headgate \"$@\"\nelse\n  compdef _headgate headgate\nfi\n";
}

std::string Fish(const std::vector<Entry>& entries) {
  std::string script;
  for (const Entry& entry : entries) {
    script +=
        "complete -c headgate -n __fish_use_subcommand -f -a " + entry.name + " -d '" + Quoted(entry.help) + "'\n";
    for (const std::string& option : entry.options) {
      const bool is_long = option.starts_with("--");
      script += "complete -c headgate -n '__fish_seen_subcommand_from " + entry.name + "' " +
                (is_long ? "-l " + option.substr(2) : "-s " + option.substr(1)) + "\n";
    }
  }
  return script;
}

}  // namespace

void AddCompletion(CLI::App& app, Action& chosen) {
  CLI::App* command = app.add_subcommand("completion", "Print a script that completes headgate's commands in a shell");
  auto shell = std::make_shared<std::string>();
  command->add_option("SHELL", *shell, "bash, zsh or fish")->required()->check(CLI::IsMember({"bash", "zsh", "fish"}));
  command->footer("Example: source <(headgate completion bash)");
  command->callback([&app, &chosen, shell] {
    chosen = [&app, shell] {
      const std::vector<Entry> entries = Entries(app);
      const std::string script = *shell == "bash" ? Bash(entries) : *shell == "zsh" ? Zsh(entries) : Fish(entries);
      std::fputs(script.c_str(), stdout);
      return kExitOk;
    };
  });
}

}  // namespace headgate::app
