// Joins text and numbers into a sentence.
// Stateless.
// Any thread; allocates, so not for the request path.
#pragma once

#include <string>
#include <string_view>
#include <type_traits>

namespace headgate::routing {

template <class T>
void AppendWord(std::string& sentence, const T& part) {
  if constexpr (std::is_convertible_v<const T&, std::string_view>) {
    sentence.append(std::string_view(part));
  } else if constexpr (requires { part.data(); }) {  // absl's own view
    sentence.append(part.data(), part.size());
  } else {
    sentence.append(std::to_string(part));
  }
}

template <class... T>
void AppendWords(std::string& sentence, const T&... parts) {
  (AppendWord(sentence, parts), ...);
}

template <class... T>
std::string Words(const T&... parts) {
  std::string sentence;
  AppendWords(sentence, parts...);
  return sentence;
}

}  // namespace headgate::routing
