#include "http/media_type.h"

#include "http/ascii.h"

namespace headgate::http {

std::string_view EssenceOf(std::string_view value) noexcept { return TrimOws(value.substr(0, value.find(';'))); }

bool IsMediaType(std::string_view value, std::string_view lower_case) noexcept {
  return EqualsIgnoreCase(EssenceOf(value), lower_case);
}

bool IsGrpcContentType(std::string_view value) noexcept {
  const std::string_view essence = EssenceOf(value);
  return EqualsIgnoreCase(essence.substr(0, essence.find('+')), "application/grpc");
}

}  // namespace headgate::http
