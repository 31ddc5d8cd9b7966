/** @file export.h
 *  What makes a declaration part of the library's interface, and the library's version. */
#ifndef MOVEX_EXPORT_H
#define MOVEX_EXPORT_H

#ifdef __cplusplus
#define MOVEX_BEGIN_DECLARATIONS extern "C" {
#define MOVEX_END_DECLARATIONS }
#else
/** Stands before the declarations of functions: in C++, they have the names that they have in C. */
#define MOVEX_BEGIN_DECLARATIONS
/** Stands after them. */
#define MOVEX_END_DECLARATIONS
#endif

#if defined(_WIN32) && defined(MOVEX_SHARED)
#ifdef MOVEX_BUILDING
#define MOVEX_API __declspec(dllexport)
#else
#define MOVEX_API __declspec(dllimport)
#endif
#define MOVEX_EXPORT __declspec(dllexport)
#elif defined(__GNUC__) || defined(__clang__)
#define MOVEX_API __attribute__((visibility("default")))
#define MOVEX_EXPORT __attribute__((visibility("default")))
#else
/** Marks a function of the library. */
#define MOVEX_API
/** Marks a symbol that a game's shared object exports (game.h). */
#define MOVEX_EXPORT
#endif

#define MOVEX_VERSION_MAJOR 0 /**< grows when programs must be changed */
#define MOVEX_VERSION_MINOR 1 /**< grows with what is new; before 1.0.0, as the major number does */
#define MOVEX_VERSION_PATCH 0 /**< grows with what is put right */
/** The version of the headers a program was compiled with; compare with movex_version_text(). */
#define MOVEX_VERSION "0.1.0"

MOVEX_BEGIN_DECLARATIONS

/** The version of the library a program runs with, such as "0.1.0". Static; any thread. */
MOVEX_API const char *movex_version_text(void);

MOVEX_END_DECLARATIONS

#endif
