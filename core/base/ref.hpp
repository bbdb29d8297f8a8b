// Shared ownership on one worker: an intrusive count that is not atomic, because nothing on the request
// path is shared between threads (design law 6).
#pragma once

#include <cstdint>
#include <utility>

namespace gantry {

// Derive from it to be held by Ref<T>. [worker]: count and release on one thread only.
class RefCounted {
public:
    void add_ref() { ++refs_; }
    void release() {
        if (--refs_ == 0) on_unreferenced();
    }
    bool is_shared() const { return refs_ > 1; }

protected:
    RefCounted() = default;
    RefCounted(const RefCounted&) = delete;
    RefCounted& operator=(const RefCounted&) = delete;
    virtual ~RefCounted() = default;

    // The last reference went away. Deletes by default; a pool overrides it to take the object back.
    virtual void on_unreferenced() { delete this; }

private:
    std::uint32_t refs_ = 0;
};

// A counted pointer to a T that derives from RefCounted. May be empty.
template <class T>
class Ref {
public:
    Ref() = default;
    explicit Ref(T* object) : object_(object) {
        if (object_ != nullptr) object_->add_ref();
    }
    Ref(const Ref& other) : Ref(other.object_) {}
    Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
    template <class U>
    Ref(Ref<U> other)
        : object_(other.detach()) {}  // NOLINT(google-explicit-constructor): upcasts like a pointer
    Ref& operator=(Ref other) noexcept {
        std::swap(object_, other.object_);
        return *this;
    }
    ~Ref() {
        if (object_ != nullptr) object_->release();
    }

    T* get() const { return object_; }
    T* operator->() const { return object_; }
    T& operator*() const { return *object_; }
    explicit operator bool() const { return object_ != nullptr; }
    void reset() { *this = Ref(); }
    // Gives the reference to the caller, who owes one release().
    T* detach() { return std::exchange(object_, nullptr); }

private:
    T* object_ = nullptr;
};

template <class T, class... Args>
Ref<T> make_ref(Args&&... args) {
    return Ref<T>(new T(std::forward<Args>(args)...));
}

}  // namespace gantry
