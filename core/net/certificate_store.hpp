// The certificates of the process: loaded once however many hosts use them, watched for changes on the disk,
// and kept (like the ticket keys) while generations come and go.
#pragma once

#include "core/conf/settings.hpp"
#include "core/net/certificate.hpp"
#include "core/net/tls_tickets.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace gantry::net {

// What a host serves: an RSA and an ECDSA certificate, say. Hosts with the same files share one set. Content
// changes under its users when files change; they notice by version(). [any]
class CertificateSet : public std::enable_shared_from_this<CertificateSet> {
public:
    // `names`: of the first host that asked; only the self-signed fallback shows them.
    explicit CertificateSet(std::vector<std::string> names);

    std::uint64_t id() const { return id_; }  // never used twice in a process
    std::uint64_t version() const { return version_.load(std::memory_order_acquire); }
    bool is_empty() const { return is_empty_.load(std::memory_order_acquire); }
    // Those that can be served; empty when none can (or the host has none). Locks.
    std::vector<CertificatePtr> current() const;
    // For when current() is empty: made on first use. Null only without randomness. Locks.
    CertificatePtr self_signed() const;

    // For the store (and tests): new content.
    void publish(std::vector<CertificatePtr> certificates);

private:
    const std::uint64_t id_;
    const std::vector<std::string> names_;
    std::atomic<std::uint64_t> version_{1};
    std::atomic<bool> is_empty_{true};
    mutable std::mutex mutex_;
    std::vector<CertificatePtr> certificates_;
    mutable CertificatePtr self_signed_;
};
using CertificateSetPtr = std::shared_ptr<const CertificateSet>;

class CertificateStore {
public:
    CertificateStore() = default;
    ~CertificateStore();
    CertificateStore(const CertificateStore&) = delete;
    CertificateStore& operator=(const CertificateStore&) = delete;

    struct Acquired {
        CertificateSetPtr set;  // never null; may have nothing to serve
        std::vector<CertificateProblem> problems;
    };
    // The set of a host. Reads files that are new or have changed since, so a reload sees them at once; what
    // is broken keeps its last good content. Does not log: the caller knows the place. Blocks on the disk.
    // [any]
    Acquired acquire(const std::vector<conf::Certificate>& certificates,
                     const std::vector<std::string>& names);

    // The keys of a listener, by its name; made on first use. [any]
    std::shared_ptr<TicketKeys> ticket_keys(std::string_view listener, std::chrono::milliseconds rotation);

    // Looks at the files every `interval` on a thread of its own, until the store goes. Once. [any]
    void watch(std::chrono::milliseconds interval = std::chrono::seconds(2));
    // One look: loads what changed, publishes what is good, warns once about what is not. What fails is read
    // again at the next look before anything is said, since certificate and key are seldom replaced in one
    // instant. Returns how many certificates were replaced. Blocks on the disk. [any]
    std::size_t check_files();

private:
    struct Entry;
    struct Stamp;
    std::shared_ptr<Entry> find_entry(const conf::Certificate& files);
    bool refresh(Entry& entry, bool patient);
    void publish_changed();

    std::mutex mutex_;  // everything below but the thread's own
    std::map<std::string, std::weak_ptr<Entry>, std::less<>> entries_;
    struct Users {
        std::weak_ptr<CertificateSet> set;
        std::vector<std::shared_ptr<Entry>> entries;
    };
    std::map<std::string, Users, std::less<>> sets_;
    std::map<std::string, std::shared_ptr<TicketKeys>, std::less<>> ticket_keys_;

    std::mutex stop_mutex_;
    std::condition_variable stop_signal_;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace gantry::net
