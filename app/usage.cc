#include "app/usage.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "config/text.h"

namespace headgate::app {
namespace {

using Commands = std::vector<const CLI::App*>;

// Words of other programs.
struct Synonym {
  std::string_view word;
  std::string_view command;
};
constexpr std::array kSynonyms = {
    Synonym{"start", "run"},      Synonym{"serve", "run"},       Synonym{"server", "run"},
    Synonym{"daemon", "run"},     Synonym{"check", "validate"},  Synonym{"test", "validate"},
    Synonym{"lint", "validate"},  Synonym{"verify", "validate"}, Synonym{"configtest", "validate"},
    Synonym{"status", "healthz"}, Synonym{"health", "healthz"},  Synonym{"ready", "healthz"},
    Synonym{"why", "explain"},    Synonym{"match", "explain"},
};

Commands CommandsOf(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

std::vector<std::string> OptionsOf(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    for (const std::string& name : option->get_snames()) names.push_back("-" + name);
  }
  return names;
}

std::string Nearest(std::string_view word, const std::vector<std::string>& known) {
  const std::vector<std::string_view> words(known.begin(), known.end());
  const std::string near = config::DidYouMean(word, words);
  return near.empty() ? std::string() : "; " + near;
}

std::string UnknownCommand(const Commands& commands, std::string_view word) {
  for (const Synonym& synonym : kSynonyms) {
    if (synonym.word == word) {
      return "unknown command " + config::Quoted(word) + "; did you mean " + config::Quoted(synonym.command) + "?";
    }
  }
  std::vector<std::string> names;
  for (const CLI::App* command : commands) names.push_back(command->get_name());
  return "unknown command " + config::Quoted(word) + Nearest(word, names);
}

// An option that stands before the command, or is another command's.
std::string Owners(const Commands& commands, const std::string& name) {
  std::string owners;
  for (const CLI::App* command : commands) {
    const std::vector<std::string> options = OptionsOf(*command);
    if (std::find(options.begin(), options.end(), name) == options.end()) continue;
    owners += (owners.empty() ? "" : ", ") + command->get_name();
  }
  return owners.empty() ? owners : "; it is an option of " + owners;
}

bool IsOption(std::string_view word) { return word.size() > 1 && word.front() == '-'; }

// "-H" of "-Hname:value"; "--to" of "--to=x".
std::string NameOf(std::string_view word) {
  return std::string(word.starts_with("--") ? word.substr(0, word.find('=')) : word.substr(0, 2));
}

std::string UnknownOption(const CLI::App& command, const Commands& commands, std::string_view word) {
  const std::string name = NameOf(word);
  const std::vector<std::string> known = OptionsOf(command);
  if (std::find(known.begin(), known.end(), name) != known.end()) return {};
  std::string hint = Nearest(name, known);
  if (hint.empty()) hint = Owners(commands, name);
  const std::string where = command.get_parent() == nullptr ? "" : " of " + config::Quoted(command.get_name());
  return "unknown option " + config::Quoted(std::string(word.substr(0, word.find('=')))) + where + hint;
}

}  // namespace

std::string UnknownWord(const CLI::App& app, int argc, const char* const* argv) {
  const Commands commands = CommandsOf(app);
  const CLI::App* chosen = nullptr;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--") break;
    if (IsOption(word)) {
      std::string problem = UnknownOption(chosen != nullptr ? *chosen : app, commands, word);
      if (!problem.empty()) return problem;
    } else if (chosen == nullptr) {
      const auto named = std::find_if(commands.begin(), commands.end(),
                                      [&](const CLI::App* command) { return command->get_name() == word; });
      if (named == commands.end()) return UnknownCommand(commands, word);
      chosen = *named;
    }
  }
  return {};
}

}  // namespace headgate::app
