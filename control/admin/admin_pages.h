// What the admin listener answers: /config, /routes, /upstreams, /certificates, /explain, POST /probe and POST /reload.
// Nothing changes on a GET.
// Owned by the handler that it hands out.
// One thread: the HTTP server's. A reload is awaited, not waited for.
#pragma once

#include <string>
#include <string_view>

#include "control/admin/metrics_pages.h"
#include "control/pipeline.h"

namespace headgate::control {

struct AdminContext {
  PagesContext pages;
  Pipeline* pipeline = nullptr;
  base::SocketAddress address;  // that it listens on
  std::string token_file;       // it was opened with; empty: who reaches it may use it (loopback). See TokenFile
};

/// `context` is copied; what it points to outlives the handler.
pages::Handler AdminPages(AdminContext context);

/// Whether a Host field names this listener: its address, or when it listens on loopback a loopback address or
/// localhost. A page of another site that resolves to us (DNS rebinding) sends its own name.
bool IsOwnHost(std::string_view host, const base::SocketAddress& address);

}  // namespace headgate::control
