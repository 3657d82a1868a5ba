// What is wrong with a command line, by the word that is wrong.
// Functions.
// One thread.
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace headgate::app {

/// Names the first command or option that `app` does not know, with the nearest one. Empty: there is none.
std::string UnknownWord(const CLI::App& app, int argc, const char* const* argv);

}  // namespace headgate::app
