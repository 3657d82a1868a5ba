#include "proxy/downstream/accepted_connection.h"

namespace headgate::proxy {

ClientIdentity::ClientIdentity(AcceptedConnection& accepted)
    : certificates_(accepted.certificates), place_(std::move(accepted.place)) {
  info_.peer = accepted.peer.ip;
  info_.peer_text = {peer_text_.data(), accepted.peer.ip.Format(peer_text_)};
  if (!accepted.transport->is_tls()) return;
  info_.tls = true;
  info_.tls_version = accepted.transport->tls_version();
  info_.server_name = accepted.transport->server_name();
  info_.certificates = certificates_.get();
  info_.certificate_index = accepted.transport->certificate_index();
}

}  // namespace headgate::proxy
