#include "config/fields/foreign_words.h"

#include <algorithm>
#include <array>
#include <string>

#include "config/text.h"

namespace headgate::config {
namespace {

// Words without '-' and '_', in lower case, with a space between them. nginx, Traefik, Caddy, HAProxy, Envoy, Ingress
// and the Gateway API use them.
struct Foreign {
  std::string_view place;
  std::string_view words;
  std::string_view hint;
};

constexpr std::array kForeign = {
    Foreign{"the main file", "server servers virtualhost virtualhosts vhost vhosts site sites",
            "a server is a listener (listeners: [{name: web, address: \"0.0.0.0:8080\"}]) and routes with 'hostnames'"},
    Foreign{"the main file", "http https global spec config staticresources dynamicresources",
            "its keys stand at the top: listeners, upstreams, routes"},
    Foreign{"the main file", "listen bind address port ports entrypoint entrypoints frontend frontends ip",
            "write listeners: [{name: web, address: \"0.0.0.0:8080\"}]"},
    Foreign{"the main file", "backend backends service services cluster clusters pool pools proxypass reverseproxy",
            "write upstreams: {shop: {address: \"shop.example:80\"}}"},
    Foreign{"the main file", "router routers rule rules ingress ingresses location locations path paths host hosts",
            "write routes: [{name: shop, hostnames: [shop.example], backends: [{upstream: shop}]}]"},
    Foreign{"the main file", "hostname hostnames domain domains servername matches match",
            "it stands in a route: routes: [{name: shop, hostnames: [shop.example], ...}]"},
    Foreign{"the main file", "tls ssl cert certs certificate certificates sslcertificate sslcertificatekey",
            "tls stands in a listener: tls: {certificates: [{certFile: tls.crt, keyFile: tls.key}]}"},
    Foreign{"the main file", "middleware middlewares filters plugins", "policies stand in a route or in 'defaults'"},
    Foreign{"the main file", "workerprocesses threads nbthread concurrency", "write workers: 4"},
    Foreign{"the main file", "log logs logging accesslogs", "write accessLog: {to: stdout}"},
    Foreign{"the main file", "api dashboard stats status", "write admin: {address: \"127.0.0.1:9901\"}"},
    Foreign{"the main file", "prometheus health healthz ping", "write metrics: {address: \"0.0.0.0:9090\"}"},
    Foreign{"the main file", "include includes import imports",
            "give --config a directory: every *.yaml file in it is read"},
    Foreign{"the main file", "apiversion kind metadata",
            "this is headgate's own file, not a Kubernetes object: listeners, upstreams, routes stand at its top"},
    Foreign{"the main file", "clientmaxbodysize", "write defaults: {maxBodySize: 10MiB}"},
    Foreign{"the main file", "timeout proxyreadtimeout", "write defaults: {timeouts: {request: 30s}}"},
    Foreign{"the main file", "retries", "write defaults: {retry: {attempts: 2}}"},

    Foreign{"a listener", "listen bind host ip socketaddress hostname", "write address: \"0.0.0.0:8080\""},
    Foreign{"a listener", "port ports", "the port is a part of the address: write address: \"0.0.0.0:8080\""},
    Foreign{"a listener", "ssl https cert certs certificate certificates certfile keyfile key tlscertificates",
            "write tls: {certificates: [{certFile: tls.crt, keyFile: tls.key}]}"},
    Foreign{"a listener", "hostnames hosts domain domains servername", "it stands in a route"},
    Foreign{"a listener", "protocol alpn http2", "write protocols: [h2, http/1.1]"},
    Foreign{"a listener", "redirect redirecthttps sslredirect httptohttps redirections", "write httpsRedirect: true"},
    Foreign{"a listener", "location locations routes rules backends upstream upstreams",
            "it stands at the top of the file, beside 'listeners'"},
    Foreign{"a listener", "type mode", "a listener with 'tls' takes HTTPS, one without takes HTTP"},

    Foreign{"a route", "host hosts hostname domain domains servername serveralias fqdn",
            "write hostnames: [shop.example]"},
    Foreign{"a route", "path paths prefix pathprefix exact regex location uri url rule rules match when",
            "write matches: [{path: {prefix: /api}}]"},
    Foreign{"a route", "method methods", "write matches: [{method: GET}]"},
    Foreign{"a route", "headers header queryparams query",
            "conditions: matches: [{headers: [...], queryParams: [...]}]; changes: requestHeaders, responseHeaders"},
    Foreign{"a route",
            "upstream upstreams service services backend proxypass reverseproxy proxy to target targets cluster "
            "clusters destination forward backendrefs usebackend defaultbackend server servers address",
            "write backends: [{upstream: shop}], with shop under 'upstreams'"},
    Foreign{"a route", "return status body response fixedresponse directresponse static",
            "write respond: {status: 200, body: \"text\"}"},
    Foreign{"a route", "root fileserver index tryfiles alias", "files are not served: send to an upstream that does"},
    Foreign{"a route", "timeout proxyreadtimeout proxysendtimeout requesttimeout readtimeout",
            "write timeouts: {request: 30s}"},
    Foreign{"a route", "retries retrypolicy proxynextupstream retryon", "write retry: {attempts: 2}"},
    Foreign{"a route", "clientmaxbodysize maxrequestbodybytes bodysize maxbody proxybodysize",
            "write maxBodySize: 10MiB"},
    Foreign{"a route", "addheader setheader responseheader headerdown responseheaderstoadd",
            "write responseHeaders: {set: {x-a: b}}"},
    Foreign{"a route", "proxysetheader requestheader headerup requestheaderstoadd",
            "write requestHeaders: {set: {x-a: b}}"},
    Foreign{"a route", "allow deny whitelist blacklist allowlist denylist ipallowlist ipwhitelist whitelistsourcerange",
            "write access: {allow: [10.0.0.0/8]}"},
    Foreign{"a route", "session sessions stickysession stickysessions sessionaffinity affinity stickycookie",
            "write sticky: {by: cookie, name: hg_shop}"},
    Foreign{"a route",
            "stripprefix striprefix handlepath rewritetarget prefixrewrite replacepath replacepathregex urlrewrite",
            "write rewrite: {prefix: /}"},
    Foreign{"a route", "sslredirect forcesslredirect httpsredirect forcessl https",
            "httpsRedirect: true stands in a listener"},
    Foreign{"a route", "tls ssl cert certificates", "tls stands in a listener, or in an upstream"},
    Foreign{"a route", "entrypoint entrypoints listener frontend parentrefs", "write listeners: [web]"},
    Foreign{"a route", "middleware middlewares filters plugins annotations",
            "each policy is a key of the route itself"},
    Foreign{"a route", "priority order", "the order of routes never matters: the most specific one wins"},
    Foreign{"a route", "canary split traffic weights",
            "write backends: [{upstream: v1, weight: 95}, {upstream: v2, weight: 5}]"},
    Foreign{"a route", "id", "write name: shop"},
    Foreign{"a route", "websocketupgrade upgrade upgradeconfigs", "write websocket: true (the default)"},

    Foreign{"a match", "prefix exact regex pathprefix pathregexp uri url location pathtype",
            "write path: {prefix: /api}"},
    Foreign{"a match", "host hosts hostname hostnames domain domains",
            "'hostnames' stands in the route, beside 'matches'"},
    Foreign{"a match", "methods", "one match for each method: matches: [{method: GET}, {method: HEAD}]"},
    Foreign{"a match", "query queries params queryparam queryparameters",
            "write queryParams: [{name: v, exact: \"2\"}]"},
    Foreign{"a match", "cookie cookies", "write headers: [{name: cookie, regex: \".*name=value.*\"}]"},

    Foreign{"a path match", "type pathtype value", "write {prefix: /api}, {exact: /api} or {regex: \"/v[0-9]+/.*\"}"},
    Foreign{"a path match", "pathprefix startswith glob wildcard", "write prefix: /api"},
    Foreign{"a path match", "equals equal full fullpath path", "write exact: /api"},
    Foreign{"a path match", "saferegex pathregexp pattern re regexp", "write regex: \"/v[0-9]+/.*\""},

    Foreign{"a header match", "value equals equal", "write exact: VALUE"},
    Foreign{"a header match", "key header", "write name: x-tenant"},
    Foreign{"a header match", "pattern contains prefix suffix regexp startswith endswith type",
            "write regex: \"beta.*\""},
    Foreign{"a header match", "not invert invertmatch absent",
            "there is no opposite: a route without the condition takes the rest"},
    Foreign{"a query match", "value equals equal", "write exact: VALUE"},
    Foreign{"a query match", "key param", "write name: v"},
    Foreign{"a query match", "pattern contains prefix suffix regexp type", "write regex: \"2.*\""},
    Foreign{"a cookie match", "value equals equal", "write exact: VALUE"},
    Foreign{"a cookie match", "key cookie", "write name: canary"},

    Foreign{"a backend", "name service cluster backend target ref", "write upstream: shop, a name under 'upstreams'"},
    Foreign{"a backend", "address url host port server endpoint endpoints",
            "write upstream: shop; its address stands under 'upstreams'"},
    Foreign{"a backend", "percent percentage ratio share", "write weight: 5"},

    Foreign{"an upstream", "name id", "the key before it is the name: shop: {address: \"shop.example:80\"}"},
    Foreign{"an upstream", "host url server service hostname uri target servicename dial",
            "write address: \"shop.example:80\""},
    Foreign{"an upstream", "port", "the port is a part of the address: write address: \"shop.example:80\""},
    Foreign{"an upstream", "servers hosts addresses targets nodes members upstreams backends loadassignment ips",
            "write endpoints: [\"10.0.0.1:8080\", \"10.0.0.2:8080\"]"},
    Foreign{"an upstream", "lbpolicy strategy balance policy algorithm loadbalancer lb",
            "write loadBalancing: {policy: leastRequest}"},
    Foreign{"an upstream", "keepalive maxconns maxconnections maxconn pool", "write connections: {max: 1024}"},
    Foreign{"an upstream", "connecttimeout timeout", "write connections: {connectTimeout: 2s}"},
    Foreign{"an upstream", "ssl https scheme transportsocket", "write tls: {}"},
    Foreign{"an upstream", "timeouts retry", "it stands in a route or in 'defaults'"},

    Foreign{"a listener's tls",
            "cert certs crt certfile certificate keyfile key sslcertificate sslcertificatekey secretname",
            "write certificates: [{certFile: tls.crt, keyFile: tls.key}]"},
    Foreign{"a listener's tls",
            "mintlsversion minimumversion minimumtlsversion sslprotocols versions version sslminver",
            "write minVersion: \"1.2\""},
    Foreign{"a listener's tls", "protocols alpn alpnprotocols", "'protocols' stands in the listener, beside 'tls'"},
    Foreign{"a listener's tls", "ciphers ciphersuites sslciphers curves", "they are fixed: delete it"},
    Foreign{"a listener's tls", "acme letsencrypt certresolver resolver",
            "certificates come from files that something else renews: certificates: [{certFile: tls.crt, keyFile: "
            "tls.key}]"},
    Foreign{"a listener's tls", "enabled", "delete it: a listener with 'tls' takes HTTPS"},

    Foreign{"a certificate", "cert crt certificate sslcertificate tls.crt chain pem fullchain public",
            "write certFile: tls.crt"},
    Foreign{"a certificate", "key sslcertificatekey privatekey tls.key private", "write keyFile: tls.key"},
    Foreign{"a certificate", "secretname secret", "mount the secret, then write certFile: tls.crt, keyFile: tls.key"},
    Foreign{"a certificate", "host hosts hostname hostnames domains sni",
            "delete it: the certificate's own names count"},

    Foreign{"an upstream's tls", "ca cacert cacerts rootcas trustedca trustedcertificates", "write caFile: ca.crt"},
    Foreign{"an upstream's tls", "sni hostname host", "write serverName: shop.example"},
    Foreign{"an upstream's tls", "insecureskipverify skipverify insecure tlsinsecureskipverify verifypeer",
            "write verify: false"},
    Foreign{"an upstream's tls", "cert crt certificate", "write certFile: client.crt, keyFile: client.key"},
    Foreign{"an upstream's tls", "enabled", "write tls: {}"},

    Foreign{"connections", "maxconnections maxconn total", "write max: 1024"},
    Foreign{"connections", "connect timeout", "write connectTimeout: 2s"},
    Foreign{"connections", "idle keepalive keepalivetimeout", "write idleTimeout: 60s"},
    Foreign{"loadBalancing", "type strategy algorithm method", "write policy: leastRequest"},

    Foreign{"timeouts", "connect connecttimeout", "it stands in an upstream: connections: {connectTimeout: 2s}"},
    Foreign{"timeouts", "read send write response server backend upstream", "write backendRequest: 10s"},
    Foreign{"timeouts", "total timeout client http", "write request: 30s"},
    Foreign{"timeouts", "tunnel stream keepalive", "write idle: 60s"},
    Foreign{"retry", "tries count numretries max retries maxretries attempt", "write attempts: 2"},
    Foreign{"retry", "retryon conditions codes statuses status", "write on: [connectFailure, \"503\"]"},
    Foreign{"retry", "pertrytimeout timeout", "write timeouts: {backendRequest: 10s} beside 'retry'"},
    Foreign{"retry", "delay interval wait initialinterval", "write backoff: 25ms"},
    Foreign{"sticky", "cookie cookiename", "write by: cookie, name: hg_shop"},
    Foreign{"sticky", "header headername", "write by: header x-user"},
    Foreign{"sticky", "maxage expires age", "write ttl: 1h"},
    Foreign{"sticky", "secure httponly samesite path",
            "delete it: the cookie is HttpOnly, SameSite=Lax, and Secure on TLS"},
    Foreign{"redirect", "url to location target uri destination",
            "its parts are keys: redirect: {scheme: https, hostname: shop.example, path: /new}"},
    Foreign{"redirect", "host", "write hostname: shop.example"},
    Foreign{"redirect", "code statuscode permanent", "write status: 301"},
    Foreign{"redirect", "https ssl", "write scheme: https"},
    Foreign{"respond", "code statuscode", "write status: 200"},
    Foreign{"respond", "text content message payload data", "write body: \"text\""},
    Foreign{"respond", "contenttype type", "write headers: {content-type: text/plain}"},
    Foreign{"header changes", "append", "write add: {x-a: b}"},
    Foreign{"header changes", "delete del unset hide", "write remove: [x-a]"},
    Foreign{"rewrite", "strip stripprefix pathprefix", "write prefix: /"},
    Foreign{"rewrite", "replacement replace with to", "write regex: \"/old/(.*)\", substitution: \"/new/\\\\1\""},
    Foreign{"rewrite", "target uri url", "write path: /new"},
    Foreign{"rewrite", "host", "write hostname: shop.example"},
    Foreign{"access", "whitelist allowlist sourcerange ips ranges", "write allow: [10.0.0.0/8]"},
    Foreign{"access", "blacklist denylist block", "write deny: [10.0.0.0/8]"},
    Foreign{"limits", "clientmaxbodysize maxbodysize bodysize", "maxBodySize stands in a route or in 'defaults'"},
    Foreign{"limits", "clientheadertimeout headertimeout readtimeout", "write headTimeout: 10s"},
    Foreign{"limits", "keepalivetimeout idletimeout", "write keepAlive: 60s"},
    Foreign{"limits", "maxconn workerconnections", "write maxConnections: 10000"},
    Foreign{"accessLog", "path file output target filename", "write to: stdout, or to: access.log"},
    Foreign{"accessLog", "format fields level", "delete it: each request is one line of JSON"},
    Foreign{"accessLog", "enabled disabled off", "write to: off"},
    Foreign{"admin", "port listen bind host", "write address: \"127.0.0.1:9901\""},
    Foreign{"admin", "token password auth", "write tokenFile: admin.token"},
    Foreign{"admin", "enabled disabled", "write admin: none"},
    Foreign{"metrics", "port listen bind host", "write address: \"0.0.0.0:9090\""},
    Foreign{"metrics", "enabled disabled", "write metrics: none"},
    Foreign{"metrics", "path", "delete it: it is always /metrics"},
    Foreign{"drain", "grace graceperiod gracetimeout shutdowntimeout terminationgraceperiod max", "write timeout: 20s"},
    Foreign{"drain", "delay wait prestop sleep", "write lameDuck: 5s"},
};

std::string Plain(std::string_view word) {
  std::string plain = Lower(word);
  std::erase_if(plain, [](char c) { return c == '-' || c == '_'; });
  return plain;
}

bool Holds(std::string_view words, std::string_view word) {
  while (!words.empty()) {
    const size_t end = std::min(words.find(' '), words.size());
    if (words.substr(0, end) == word) return true;
    words.remove_prefix(std::min(end + 1, words.size()));
  }
  return false;
}

}  // namespace

std::string_view ForeignWord(std::string_view place, std::string_view word) {
  if (place == "defaults") place = "a route";
  const std::string plain = Plain(word);
  for (const Foreign& foreign : kForeign) {
    if (foreign.place == place && Holds(foreign.words, plain)) return foreign.hint;
  }
  return {};
}

}  // namespace headgate::config
