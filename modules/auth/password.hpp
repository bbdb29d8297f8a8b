// Hashes of passwords as files of users have them: which are good enough, and whether a password fits.
#pragma once

#include <string>
#include <string_view>

namespace auth {

// "" where `hash` is one that verify() takes and that is slow to guess; else what is wrong with it, and what
// to do: "$apr1$ (MD5) is guessed too fast; make a new one: htpasswd -B". [any]
std::string fault_of_hash(std::string_view hash);

constexpr std::size_t kMostPasswordBytes = 1024;  // nobody types more, and hashing them takes time

// Takes as long as the hash says, tens of milliseconds: on a thread that may wait. Forgets its copy of the
// password. [any]
bool verify_password(std::string password, const std::string& hash);

// A hash that no password fits, for who is not known where nobody is.
const std::string& nobodys_hash();

}  // namespace auth
