/*
 * Functions that do not compile here, each with what to use instead.
 *
 * The build includes this file before every source (-include).  It pulls in the headers that declare
 * the functions first, so that the macros below meet only our own code.
 */
#ifndef DM_BANNED_H
#define DM_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DM_BANNED(func, instead) sorry_##func##_is_banned__use_##instead

#undef strcpy
#define strcpy(d, s) DM_BANNED(strcpy, dm_strbuf_add)
#undef strcat
#define strcat(d, s) DM_BANNED(strcat, dm_strbuf_add)
#undef strncpy
#define strncpy(d, s, n) DM_BANNED(strncpy, dm_strbuf_add)
#undef strncat
#define strncat(d, s, n) DM_BANNED(strncat, dm_strbuf_add)
#undef sprintf
#define sprintf(...) DM_BANNED(sprintf, snprintf_or_dm_strbuf_addf)
#undef vsprintf
#define vsprintf(...) DM_BANNED(vsprintf, dm_strbuf_vaddf)
#undef gets
#define gets(s) DM_BANNED(gets, dm_file_read)
#undef fgets
#define fgets(s, n, f) DM_BANNED(fgets, dm_file_read_or_getline)
#undef strtok
#define strtok(s, d) DM_BANNED(strtok, dm_str_split)
#undef atoi
#define atoi(s) DM_BANNED(atoi, dm_str_to_i64)
#undef atol
#define atol(s) DM_BANNED(atol, dm_str_to_i64)
#undef atof
#define atof(s) DM_BANNED(atof, dm_str_to_f64)
#undef gmtime
#define gmtime(t) DM_BANNED(gmtime, dm_civil_from_us)
#undef localtime
#define localtime(t) DM_BANNED(localtime, dm_civil_from_us)
#undef ctime
#define ctime(t) DM_BANNED(ctime, dm_time_iso)
#undef asctime
#define asctime(t) DM_BANNED(asctime, dm_time_iso)
#undef system
#define system(s) DM_BANNED(system, dm_spawn)
#undef popen
#define popen(c, m) DM_BANNED(popen, dm_spawn)
#undef fork
#define fork() DM_BANNED(fork, dm_spawn)
#undef vfork
#define vfork() DM_BANNED(vfork, dm_spawn)
#undef tmpnam
#define tmpnam(s) DM_BANNED(tmpnam, dm_file_begin)
#undef mktemp
#define mktemp(s) DM_BANNED(mktemp, dm_file_begin)
#undef alloca
#define alloca(n) DM_BANNED(alloca, dm_arena_alloc)
#undef rand
#define rand() DM_BANNED(rand, dm_rng_next)

#endif
