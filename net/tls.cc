// SPDX-License-Identifier: MIT

#include "net/tls.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <atomic>
#include <cstdio>
#include <map>
#include <mutex>
#include <new>
#include <utility>

#include "net/address.h"
#include "net/base/guard.h"
#include "net/fd.h"
#include "net/tls_self_signed.h"

namespace hilo::net::tls {
namespace {

constexpr std::string_view http_1_1 = "\x08http/1.1";  // as ALPN writes it (RFC 7301 §3.1)
constexpr long certificate_list_bytes_max = 100 << 10;

struct FreeContext {
  void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
};
using Context = std::unique_ptr<SSL_CTX, FreeContext>;

struct FreeConnection {
  void operator()(SSL* connection) const noexcept { SSL_free(connection); }
};
using Connection = std::unique_ptr<SSL, FreeConnection>;

// OpenSSL's last words, if somebody wants to hear them.
std::error_code refuse(Errc error, std::string* detail, std::string_view file) {
  if (detail != nullptr) {
    *detail = make_error_code(error).message();
    if (!file.empty()) detail->append(": ").append(file);
    if (const char* why = ERR_reason_error_string(ERR_peek_last_error())) {
      detail->append(": ").append(why);
    }
  }
  ERR_clear_error();
  return error;
}

// Without this OpenSSL would ask for the password of a key at the terminal.
int no_password(char*, int, int, void*) {
  return 0;
}

// A file that takes the secrets of connections. Several threads write whole lines to it.
class KeyLog {
 public:
  explicit KeyLog(const char* path) {
    Fd fd{::open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)};
    if (fd) file_ = ::fdopen(fd.value(), "a");
    if (file_ != nullptr) static_cast<void>(fd.release());
  }
  KeyLog(const KeyLog&) = delete;
  KeyLog& operator=(const KeyLog&) = delete;
  ~KeyLog() {
    if (file_ != nullptr) std::fclose(file_);
  }
  bool is_open() const noexcept { return file_ != nullptr; }

  static void write(const SSL* ssl, const char* line) {
    const auto* log = static_cast<const KeyLog*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
    if (log == nullptr) return;
    std::fprintf(log->file_, "%s\n", line);
    std::fflush(log->file_);
  }

 private:
  std::FILE* file_ = nullptr;
};

// What holds for both roles.
void set_rules(SSL_CTX* context, bool kernel_tls) noexcept {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  // Idle connections hold no buffers; a write that was refused may come from elsewhere next time.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_max_cert_list(context, certificate_list_bytes_max);
  SSL_CTX_set_default_passwd_cb(context, no_password);
  if (kernel_tls) {
    SSL_CTX_set_options(context, SSL_OP_ENABLE_KTLS);
  } else {
    // A record's header and body in one receive; the kernel's own TLS wants to see them apart.
    SSL_CTX_set_read_ahead(context, 1);
  }
}

Status use_files(SSL_CTX* context, const CertificateFiles& files, std::string* detail) {
  if (SSL_CTX_use_certificate_chain_file(context, files.certificate.c_str()) != 1) {
    return refuse(Errc::certificate_file, detail, files.certificate);
  }
  if (SSL_CTX_use_PrivateKey_file(context, files.key.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(context) != 1) {
    return refuse(Errc::key_file, detail, files.key);
  }
  return {};
}

Result<std::shared_ptr<KeyLog>> open_keylog(const char* path, std::string* detail) {
  if (*path == '\0') return std::shared_ptr<KeyLog>{};
  auto log = std::make_shared<KeyLog>(path);
  if (!log->is_open()) return refuse(Errc::keylog_file, detail, path);
  return log;
}

void log_keys(SSL_CTX* context, const std::shared_ptr<KeyLog>& log) noexcept {
  if (!log) return;
  SSL_CTX_set_app_data(context, log.get());
  SSL_CTX_set_keylog_callback(context, KeyLog::write);
}

// RFC 6066 §3: OpenSSL refuses a host name that is none with the alert of a name that is unknown.
int check_client_hello(SSL* ssl, int* alert, void*) {
  constexpr std::size_t name_at = 5;  // behind the list's length, the name's type and its length
  constexpr std::size_t name_bytes_max = 255;
  const unsigned char* list = nullptr;
  std::size_t size = 0;
  if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &list, &size) != 1 ||
      size <= name_at) {
    return SSL_CLIENT_HELLO_SUCCESS;
  }
  const std::string_view name = as_text(Bytes{list, size}.subspan(name_at));
  if (name.size() <= name_bytes_max && name.find('\0') == std::string_view::npos) {
    return SSL_CLIENT_HELLO_SUCCESS;
  }
  *alert = SSL_AD_DECODE_ERROR;
  return SSL_CLIENT_HELLO_ERROR;
}

// RFC 7301 §3.2: a client that offers protocols, and ours not among them, is told so.
int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* chosen_size,
                    const unsigned char* offered, unsigned offered_size, void*) {
  unsigned char* match = nullptr;
  const int result = SSL_select_next_proto(
      &match, chosen_size, reinterpret_cast<const unsigned char*>(http_1_1.data()),
      static_cast<unsigned>(http_1_1.size()), offered, offered_size);
  *chosen = match;
  return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

}  // namespace

// --- servers -------------------------------------------------------------------------------------

class ServerContext::Generation {
 public:
  Status load(const ServerOptions& options, std::string* detail) {
    if (Status opened = open_log(options, detail); !opened) return opened;
    if (options.self_signed) return add(options, nullptr, detail);
    if (options.certificates.empty()) return refuse(Errc::certificate_file, detail, {});
    for (const CertificateFiles& files : options.certificates) {
      if (Status added = add(options, &files, detail); !added) return added;
    }
    return {};
  }

  SSL* make() const noexcept { return SSL_new(contexts_.front().get()); }

 private:
  Status open_log(const ServerOptions& options, std::string* detail) {
    auto log = open_keylog(options.keylog_file.c_str(), detail);
    if (!log) return log.error();
    keylog_ = std::move(*log);
    return {};
  }

  // Without files: self-signed.
  Status add(const ServerOptions& options, const CertificateFiles* files, std::string* detail) {
    Context context{SSL_CTX_new(TLS_server_method())};
    if (!context) return out_of_memory();
    SSL_CTX* const c = context.get();
    set_rules(c, options.kernel_tls);
    SSL_CTX_set_options(c, SSL_OP_CIPHER_SERVER_PREFERENCE);
    // Tickets keep the state of a session at the client. There is no early data (RFC 8470).
    SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(c, 1);
    SSL_CTX_set_max_early_data(c, 0);
    constexpr unsigned char session_context[] = {'h', 'i', 'l', 'o'};
    SSL_CTX_set_session_id_context(c, session_context, sizeof(session_context));
    SSL_CTX_set_client_hello_cb(c, check_client_hello, nullptr);
    SSL_CTX_set_alpn_select_cb(c, choose_protocol, nullptr);
    // The macro that does this casts in C's way; so does the one of the client's name.
    SSL_CTX_callback_ctrl(c, SSL_CTRL_SET_TLSEXT_SERVERNAME_CB,
                          reinterpret_cast<void (*)()>(choose_certificate));
    SSL_CTX_set_tlsext_servername_arg(c, this);
    log_keys(c, keylog_);
    Status used = files != nullptr ? use_files(c, *files, detail) : use_self_signed(c);
    if (used) used = ask_for_certificates(c, options, detail);
    if (!used) return used;
    contexts_.push_back(std::move(context));
    return {};
  }

  static Status ask_for_certificates(SSL_CTX* context, const ServerOptions& options,
                                     std::string* detail) {
    if (options.client_ca_file.empty()) return {};
    const char* const file = options.client_ca_file.c_str();
    STACK_OF(X509_NAME)* const names = SSL_load_client_CA_file(file);
    if (names == nullptr || SSL_CTX_load_verify_locations(context, file, nullptr) != 1) {
      sk_X509_NAME_pop_free(names, X509_NAME_free);
      return refuse(Errc::ca_file, detail, file);
    }
    SSL_CTX_set_client_CA_list(context, names);
    const int required = options.client_certificate_required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0;
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | required, nullptr);
    return {};
  }

  // RFC 6066 §3. A name that no certificate is for gets the first one.
  static int choose_certificate(SSL* ssl, int*, void* generation) {
    const char* const name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    if (name == nullptr) return SSL_TLSEXT_ERR_NOACK;
    for (const Context& context : static_cast<const Generation*>(generation)->contexts_) {
      X509* const certificate = SSL_CTX_get0_certificate(context.get());
      if (X509_check_host(certificate, name, 0, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, nullptr) ==
          1) {
        SSL_set_SSL_CTX(ssl, context.get());
        return SSL_TLSEXT_ERR_OK;
      }
    }
    return SSL_TLSEXT_ERR_OK;
  }

  std::shared_ptr<KeyLog> keylog_;
  std::vector<Context> contexts_;
};

struct ServerContext::Current {
  mutable std::mutex mutex;
  std::shared_ptr<const Generation> generation;  // guarded by mutex
};

ServerContext::ServerContext(ServerOptions options) noexcept
    : options_(std::move(options)), current_(std::make_unique<Current>()) {}

ServerContext::~ServerContext() = default;

Result<std::shared_ptr<ServerContext>> ServerContext::create(ServerOptions options,
                                                             std::string* detail) {
  std::shared_ptr<ServerContext> context{new ServerContext(std::move(options))};
  if (Status loaded = context->reload(detail); !loaded) return loaded.error();
  return context;
}

Status ServerContext::reload(std::string* detail) {
  auto generation = std::make_shared<Generation>();
  if (Status loaded = generation->load(options_, detail); !loaded) return loaded;
  const std::lock_guard lock(current_->mutex);
  current_->generation = std::move(generation);
  return {};
}

std::unique_ptr<TlsTransport> ServerContext::accept(int fd) const noexcept {
  std::shared_ptr<const Generation> generation;
  {
    const std::lock_guard lock(current_->mutex);
    generation = current_->generation;
  }
  SSL* const ssl = generation->make();
  if (ssl == nullptr) return nullptr;
  SSL_set_accept_state(ssl);
  std::unique_ptr<TlsTransport> transport{new (std::nothrow)
                                              TlsTransport(ssl, fd, std::move(generation))};
  if (!transport) SSL_free(ssl);
  return transport;
}

// --- clients -------------------------------------------------------------------------------------

// The last session of each host, to be resumed by the next connection.
class ClientContext::Sessions {
 public:
  Sessions() = default;
  Sessions(const Sessions&) = delete;
  Sessions& operator=(const Sessions&) = delete;
  ~Sessions() {
    for (const auto& [host, session] : sessions_) SSL_SESSION_free(session);
  }

  void offer(SSL* ssl, std::string_view host) {
    const std::lock_guard lock(mutex_);
    const auto found = sessions_.find(host);
    if (found == sessions_.end()) return;
    SSL_set_session(ssl, found->second);
    // RFC 8446 §C.4: a ticket of TLS 1.3 is for one connection.
    if (SSL_SESSION_get_protocol_version(found->second) >= TLS1_3_VERSION) {
      SSL_SESSION_free(found->second);
      sessions_.erase(found);
    }
  }

  // OpenSSL's callback; 1: the session is ours now.
  static int on_session(SSL* ssl, SSL_SESSION* session) {
    const auto* host = static_cast<const Host*>(SSL_get_ex_data(ssl, host_index()));
    if (host == nullptr) return 0;
    return guarded([&] { host->sessions->keep(host->name, session); }) ? 1 : 0;
  }

  // What a connection remembers of where it goes.
  struct Host {
    std::shared_ptr<Sessions> sessions;
    std::string name;
  };
  // Below 0: there is no memory now.
  static int host_index() noexcept {
    static std::atomic<int> made{-1};
    int present = made.load(std::memory_order_acquire);
    if (present >= 0) return present;
    const int index = SSL_get_ex_new_index(
        0, nullptr, nullptr, nullptr, [](void*, void* host, CRYPTO_EX_DATA*, int, long, void*) {
          delete static_cast<Host*>(host);
        });
    if (index < 0) return index;
    if (made.compare_exchange_strong(present, index, std::memory_order_acq_rel)) return index;
    CRYPTO_free_ex_index(CRYPTO_EX_INDEX_SSL, index);  // another thread was quicker
    return present;
  }

 private:
  static constexpr std::size_t hosts_max = 256;

  // Whether it is ours from here on is told by how this ends: by an exception it is not.
  void keep(std::string_view host, SSL_SESSION* session) {
    const std::lock_guard lock(mutex_);
    auto found = sessions_.find(host);
    if (found == sessions_.end()) {
      if (sessions_.size() >= hosts_max) return SSL_SESSION_free(session);
      found = sessions_.try_emplace(std::string(host)).first;
    }
    SSL_SESSION_free(std::exchange(found->second, session));
  }

  std::mutex mutex_;
  std::map<std::string, SSL_SESSION*, std::less<>> sessions_;  // guarded by mutex_
};

ClientContext::ClientContext() noexcept = default;
ClientContext::~ClientContext() = default;

Result<std::shared_ptr<ClientContext>> ClientContext::create(const ClientOptions& options,
                                                             std::string* detail) {
  auto log = open_keylog(options.keylog_file.c_str(), detail);
  if (!log) return log.error();
  Context made{SSL_CTX_new(TLS_client_method())};
  if (!made) return out_of_memory();
  SSL_CTX* const c = made.get();
  set_rules(c, options.kernel_tls);
  if (SSL_CTX_set_alpn_protos(c, reinterpret_cast<const unsigned char*>(http_1_1.data()),
                              static_cast<unsigned>(http_1_1.size())) != 0) {
    return out_of_memory();
  }
  // Reading the authorities of the system takes its time: not for those who trust everybody.
  int trusted = 1;
  if (!options.ca_file.empty()) {
    trusted = SSL_CTX_load_verify_locations(c, options.ca_file.c_str(), nullptr);
  } else if (!options.insecure) {
    trusted = SSL_CTX_set_default_verify_paths(c);
  }
  if (trusted != 1) return refuse(Errc::ca_file, detail, options.ca_file);
  SSL_CTX_set_verify(c, options.insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, nullptr);
  if (!options.certificate.certificate.empty()) {
    if (Status used = use_files(c, options.certificate, detail); !used) return used.error();
  }
  SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(c, Sessions::on_session);
  log_keys(c, *log);

  std::shared_ptr<ClientContext> context{new ClientContext};
  // The log must live as long as the context that writes to it.
  context->context_ = {made.release(), [log = *log](SSL_CTX* last) { SSL_CTX_free(last); }};
  context->sessions_ = std::make_shared<Sessions>();
  context->insecure_ = options.insecure;
  return context;
}

std::unique_ptr<TlsTransport> ClientContext::connect(int fd, std::string_view host) const noexcept {
  std::unique_ptr<TlsTransport> transport;
  static_cast<void>(guarded([&] { transport = prepare(fd, host); }));
  return transport;
}

std::unique_ptr<TlsTransport> ClientContext::prepare(int fd, std::string_view host) const {
  // The dot of the root belongs to no certificate (RFC 6066 §3, RFC 9525).
  if (host.ends_with('.')) host.remove_suffix(1);
  const std::string name{host};
  Connection connection{SSL_new(context_.get())};
  SSL* const ssl = connection.get();
  if (ssl == nullptr) return nullptr;
  const bool is_ip = static_cast<bool>(Address::from_ip(name, 0));
  // SNI is for names only (RFC 6066 §3).
  const bool names_host =
      is_ip || SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                        const_cast<char*>(name.c_str())) == 1;
  if (!names_host) return nullptr;
  if (!insecure_) {
    // The subject names nobody (RFC 9525 §1.2).
    SSL_set_hostflags(ssl,
                      X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    const int set = is_ip ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name.c_str())
                          : SSL_set1_host(ssl, name.c_str());
    if (set != 1) return nullptr;
  }
  auto destination = std::make_unique<Sessions::Host>(Sessions::Host{sessions_, name});
  const int index = Sessions::host_index();
  if (index < 0 || SSL_set_ex_data(ssl, index, destination.get()) != 1) return nullptr;
  static_cast<void>(destination.release());  // the connection's from here on
  sessions_->offer(ssl, name);
  SSL_set_connect_state(ssl);
  std::unique_ptr<TlsTransport> transport{new (std::nothrow) TlsTransport(ssl, fd, context_)};
  if (transport) static_cast<void>(connection.release());
  return transport;
}

}  // namespace hilo::net::tls
