/* The one symbol that a module exports: a constant, so that a module can be judged before any of its code
 * runs. */
#ifndef GANTRY_ENTRY_H
#define GANTRY_ENTRY_H

#include "gantry/host.h"

GANTRY_BEGIN

typedef struct gantry_module_entry {
    uint32_t size; /* sizeof(gantry_module_entry_t) */
    uint32_t abi_major;
    uint32_t abi_minor; /* the least that the module needs; GANTRY_ENTRY() takes that of the headers */
    /* "teapot": [a-z][a-z0-9-]*, 32 at most; its file is gantry-teapot.so. NUL-terminated, as is `version` */
    const char* name;
    const char* version; /* of the module, for people */

    /* Once per process, before anything else. `host` lives as long as the process. What is put into `*module`
     * is handed to the other functions. Keys are declared here. False: cannot run here; say why through
     * gantry.log/1. [main] [loading] */
    bool (*open)(const gantry_host_t* host, void** module) GANTRY_NOEXCEPT;

    /* The process ends; all instances are retired. The library stays mapped. [main] [drained] */
    void (*close)(void* module) GANTRY_NOEXCEPT;

    /* What the module offers: a table that begins with its size and lives as long as the process, for
     * "gantry.instance/1" and whatever else the headers in ext/ ask modules for; NULL: nothing of that id. [main] */
    const void* (*get_extension)(void* module, const char* id)GANTRY_NOEXCEPT;
} gantry_module_entry_t;

/* What a module is, where a program can read it without running the module: lines of `key=value`. */
#define GANTRY_MANIFEST_SECTION ".gantry.manifest"
#define GANTRY_STRING_OF_(x) #x
#define GANTRY_STRING_OF(x) GANTRY_STRING_OF_(x)
#define GANTRY_MANIFEST_TEXT(name, version, description)                                                \
    "name=" name "\nversion=" version "\nabi=" GANTRY_STRING_OF(GANTRY_ABI_MAJOR) "." GANTRY_STRING_OF( \
        GANTRY_ABI_MINOR) "\ndescription=" description "\n"

/* Nothing refers to it, and yet it stays, also with --gc-sections. */
#if defined(__has_attribute)
#if __has_attribute(retain)
#define GANTRY_IN_MANIFEST __attribute__((used, retain, section(GANTRY_MANIFEST_SECTION)))
#endif
#endif
#if !defined(GANTRY_IN_MANIFEST)
#define GANTRY_IN_MANIFEST __attribute__((used, section(GANTRY_MANIFEST_SECTION)))
#endif

#if defined(__cplusplus)
#define GANTRY_EXPORT extern "C" __attribute__((visibility("default")))
#else
#define GANTRY_EXPORT __attribute__((visibility("default")))
#endif

/* Once per module, at file scope. `name`, `version` and `description` (one line) are literals; the functions
 * are those of the entry. */
#define GANTRY_ENTRY(name_, version_, description_, open_, close_, get_extension_)                  \
    GANTRY_IN_MANIFEST static const char gantry_module_manifest[] =                                 \
        GANTRY_MANIFEST_TEXT(name_, version_, description_);                                        \
    GANTRY_EXPORT const gantry_module_entry_t gantry_module_entry;                                  \
    GANTRY_EXPORT const gantry_module_entry_t gantry_module_entry = {sizeof(gantry_module_entry_t), \
                                                                     GANTRY_ABI_MAJOR,              \
                                                                     GANTRY_ABI_MINOR,              \
                                                                     name_,                         \
                                                                     version_,                      \
                                                                     open_,                         \
                                                                     close_,                        \
                                                                     get_extension_}

GANTRY_END

#endif
