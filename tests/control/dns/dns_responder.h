// A DNS server for tests: answers A and AAAA questions over UDP from a table, NXDOMAIN where the table has nothing
// (RFC 1035). Remembers what it was asked.
// Owned by a test.
// One thread: the one that runs the io_context.
#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/ip.h"

namespace headgate::control::dns {

class DnsResponder {
 public:
  static constexpr uint16_t kA = 1;
  static constexpr uint16_t kCname = 5;
  static constexpr uint16_t kAaaa = 28;
  static constexpr uint16_t kAny = 255;

  // `ip` is an address of loopback.
  explicit DnsResponder(boost::asio::io_context& io, const char* ip = "127.0.0.53")
      : socket_(io, {boost::asio::ip::make_address(ip), 0}) {
    Receive();
  }
  /// As control::dns::Lookup takes it.
  std::string address() const {
    return socket_.local_endpoint().address().to_string() + ":" + std::to_string(socket_.local_endpoint().port());
  }

  void Add(const std::string& name, const std::string& ip, uint32_t ttl = 60) {
    const auto parsed = boost::asio::ip::make_address(ip);
    std::string data;
    if (parsed.is_v4()) {
      for (const uint8_t byte : parsed.to_v4().to_bytes()) data += static_cast<char>(byte);
    } else {
      for (const uint8_t byte : parsed.to_v6().to_bytes()) data += static_cast<char>(byte);
    }
    records_[name].push_back({parsed.is_v4() ? kA : kAaaa, ttl, data});
  }
  void AddAlias(const std::string& name, const std::string& target, uint32_t ttl = 60) {
    aliases_[name] = {target, ttl};
  }
  void Remove(const std::string& name) { records_.erase(name); }
  /// From now on every answer (to questions of this type) is this code (2: server failure); none: the table again.
  void Fail(std::optional<uint8_t> code, uint16_t type = kAny) {
    failure_ = code;
    failing_ = type;
  }
  void BeSilent(uint16_t type = kAny) { silent_ = type; }

  const std::vector<std::string>& questions() const { return questions_; }
  size_t AskedFor(const std::string& name) const {
    size_t count = 0;
    for (const std::string& asked : questions_) count += asked == name ? 1U : 0U;
    return count;
  }

 private:
  struct Record {
    uint16_t type;
    uint32_t ttl;
    std::string data;
  };

  static void Put16(std::string& to, uint32_t value) {
    to += static_cast<char>(value >> 8U);
    to += static_cast<char>(value);
  }
  static std::string Encoded(const std::string& name) {
    std::string wire;
    for (size_t at = 0; at < name.size();) {
      const size_t dot = std::min(name.find('.', at), name.size());
      wire += static_cast<char>(dot - at);
      wire += name.substr(at, dot - at);
      at = dot + 1;
    }
    return wire + '\0';
  }
  static void PutRecord(std::string& to, const std::string& name, const Record& record) {
    to += Encoded(name);
    Put16(to, record.type);
    Put16(to, 1);
    Put16(to, record.ttl >> 16U);
    Put16(to, record.ttl & 0xffffU);
    Put16(to, static_cast<uint32_t>(record.data.size()));
    to += record.data;
  }

  void Receive() {
    socket_.async_receive_from(boost::asio::buffer(packet_), from_,
                               [this](boost::system::error_code error, size_t size) {
                                 if (error) return;
                                 const std::string answer = Answer({packet_.data(), size});
                                 boost::system::error_code ignored;
                                 if (!answer.empty()) socket_.send_to(boost::asio::buffer(answer), from_, 0, ignored);
                                 Receive();
                               });
  }

  std::string Answer(const std::string& query) {
    std::string name;
    size_t at = 12;
    while (at < query.size() && query[at] != 0) {
      const auto length = static_cast<uint8_t>(query[at]);
      if (!name.empty()) name += '.';
      name += query.substr(at + 1, length);
      at += length + 1U;
    }
    if (at + 5 > query.size()) return {};
    const auto type =
        static_cast<uint16_t>(static_cast<uint8_t>(query[at + 1]) << 8U | static_cast<uint8_t>(query[at + 2]));
    questions_.push_back(name);
    if (silent_ == kAny || silent_ == type) return {};
    const bool fails = failure_.has_value() && (failing_ == kAny || failing_ == type);
    std::string records;
    uint32_t count = 0;
    std::string owner = name;
    if (const auto alias = aliases_.find(name); alias != aliases_.end()) {
      PutRecord(records, name, {kCname, alias->second.second, Encoded(alias->second.first)});
      owner = alias->second.first;
      ++count;
    }
    const auto known = records_.find(owner);
    for (const Record& record : known == records_.end() ? std::vector<Record>() : known->second) {
      if (record.type != type) continue;
      PutRecord(records, owner, record);
      ++count;
    }
    const uint32_t code = fails ? *failure_ : known == records_.end() ? 3U : 0U;
    std::string answer = query.substr(0, 2);
    Put16(answer, 0x8180U | code);
    Put16(answer, 1);
    Put16(answer, fails ? 0 : count);
    Put16(answer, 0);
    Put16(answer, 0);
    answer += query.substr(12, at + 5 - 12);
    return fails ? answer : answer + records;
  }

  boost::asio::ip::udp::socket socket_;
  boost::asio::ip::udp::endpoint from_;
  std::array<char, 512> packet_{};
  std::map<std::string, std::vector<Record>> records_;
  std::map<std::string, std::pair<std::string, uint32_t>> aliases_;
  std::optional<uint8_t> failure_;
  uint16_t failing_ = kAny;
  std::optional<uint16_t> silent_;
  std::vector<std::string> questions_;
};

}  // namespace headgate::control::dns
