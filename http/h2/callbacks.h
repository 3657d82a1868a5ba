// nghttp2's callbacks: they find the session and the stream and call on, nothing else.
// One table for the process.
// Any thread: the table never changes.
#pragma once

#include <nghttp2/nghttp2.h>

#include "http/h2/session.h"

namespace headgate::http::h2 {

struct Session::Callbacks {
  static nghttp2_session* NewSession(Session& session, Role role, base::BlockPool& blocks);
  // Where the DATA frames of a stream come from.
  static nghttp2_data_provider Body();

 private:
  static Session& Self(void* user) { return *static_cast<Session*>(user); }
  static nghttp2_session_callbacks* MakeTable();
  static nghttp2_option* MakeOptions();
  static nghttp2_mem MemoryOf(base::BlockPool& blocks);
  static void SetReceiving(nghttp2_session_callbacks* table);
  static void SetSending(nghttp2_session_callbacks* table);

  static int OnBeginFrame(nghttp2_session*, const nghttp2_frame_hd* header, void* user);
  static int OnBeginHeaders(nghttp2_session*, const nghttp2_frame* frame, void* user);
  static int OnHeader(nghttp2_session*, const nghttp2_frame*, nghttp2_rcbuf* name, nghttp2_rcbuf* value, uint8_t,
                      void* user);
  static int OnFrame(nghttp2_session*, const nghttp2_frame* frame, void* user);
  static int OnData(nghttp2_session*, uint8_t, int32_t id, const uint8_t* data, size_t size, void* user);
  static int OnClose(nghttp2_session*, int32_t id, uint32_t code, void* user);
  static int OnSent(nghttp2_session*, const nghttp2_frame* frame, void* user);
  static int OnNotSent(nghttp2_session*, const nghttp2_frame* frame, int, void* user);
  static ssize_t ReadBody(nghttp2_session*, int32_t id, uint8_t*, size_t size, uint32_t* flags, nghttp2_data_source*,
                          void* user);
  static int SendBody(nghttp2_session*, nghttp2_frame* frame, const uint8_t* header, size_t size, nghttp2_data_source*,
                      void* user);
};

}  // namespace headgate::http::h2
