/* Tries what an instance must not be able to do, and prints one line of JSON per attempt:
 *
 *   {"attempt":"mount","ok":false,"error":"EPERM","detail":""}
 *
 *   escape FOREIGN_IP SINK_IP SOCKET_PATH NODE_PID      FOREIGN_IP is another instance's, NODE_PID a process of the node,
 *                                                       SOCKET_PATH the daemon's socket as the node names it
 *
 * "ok" says that the kernel let it happen. For packets that is not decisive: the sink (UDP 9999 on SINK_IP) must not get
 * any of the datagrams, each of which names the attempt. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/if_packet.h>
#include <linux/perf_event.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/sysmacros.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *foreign, *sink;

static void tell(const char *attempt, long result, const char *detail) {
    printf("{\"attempt\":\"%s\",\"ok\":%s,\"error\":\"%s\",\"detail\":\"%s\"}\n", attempt, result >= 0 ? "true" : "false",
           result >= 0 ? "" : strerrorname_np(errno), detail);
    fflush(stdout);
}

static struct sockaddr_in at(const char *ip, int port) {
    return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = inet_addr(ip) };
}

/* bind, and what follows from it if it is let: listen for TCP, a datagram for UDP. */
static void bind_foreign(const char *attempt, int type, int option) {
    int fd = socket(AF_INET, type, 0), one = 1; struct sockaddr_in name = at(foreign, 7777), to = at(sink, 9999);
    if (option) setsockopt(fd, SOL_IP, option, &one, sizeof one);
    long result = bind(fd, (struct sockaddr *)&name, sizeof name);
    if (result == 0 && type == SOCK_STREAM) result = listen(fd, 1);
    if (result == 0 && type == SOCK_DGRAM) result = sendto(fd, attempt, strlen(attempt), 0, (struct sockaddr *)&to, sizeof to);
    tell(attempt, result, "");
    if (type != SOCK_STREAM || result) close(fd); /* a listener stays, for the test to knock at */
}

struct frame { struct ether_header link; struct iphdr ip; struct udphdr udp; char text[32]; } __attribute__((packed));

static uint16_t checksum(const void *data, size_t size) {
    const uint16_t *word = data; uint32_t sum = 0;
    for (; size > 1; size -= 2) sum += *word++;
    return (uint16_t)~((sum & 0xffff) + (sum >> 16));
}

static void fill(struct frame *f, const char *attempt) {
    memset(f, 0, sizeof *f);
    f->ip = (struct iphdr){ .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP, .tot_len = htons(sizeof *f - sizeof f->link),
                            .saddr = inet_addr(foreign), .daddr = inet_addr(sink) };
    f->ip.check = checksum(&f->ip, sizeof f->ip);
    f->udp = (struct udphdr){ .source = htons(7777), .dest = htons(9999), .len = htons(sizeof f->udp + sizeof f->text) };
    strncpy(f->text, attempt, sizeof f->text - 1);
}

static void raw_ip(void) {
    struct frame f; struct sockaddr_in to = at(sink, 0); fill(&f, "raw-ip");
    int fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
    tell("raw-ip", fd < 0 ? fd : sendto(fd, &f.ip, sizeof f - sizeof f.link, 0, (struct sockaddr *)&to, sizeof to), "");
}

/* Frames built by hand: the other's address from our MAC, from the other's MAC, and an ARP claim of the address. */
static void packet(void) {
    int fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)); struct frame f; struct ifreq own = { .ifr_name = "eth0" };
    if (fd < 0) { tell("packet-socket", -1, ""); return; }
    tell("packet-socket", 0, "");
    ioctl(fd, SIOCGIFHWADDR, &own);
    struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex("eth0"), .sll_halen = 6 };
    fill(&f, "packet-foreign-ip"); f.link.ether_type = htons(ETH_P_IP);
    memset(f.link.ether_dhost, 0xff, 6); memcpy(f.link.ether_shost, own.ifr_hwaddr.sa_data, 6);
    tell("packet-foreign-ip", sendto(fd, &f, sizeof f, 0, (struct sockaddr *)&to, sizeof to), "");
    fill(&f, "packet-foreign-mac"); f.link.ether_type = htons(ETH_P_IP);
    memset(f.link.ether_dhost, 0xff, 6); memcpy(f.link.ether_shost, "\x02\x00\xde\xad\xbe\xef", 6);
    tell("packet-foreign-mac", sendto(fd, &f, sizeof f, 0, (struct sockaddr *)&to, sizeof to), "");

    struct { struct ether_header link; struct arphdr arp; uint8_t sha[6]; uint8_t spa[4]; uint8_t tha[6]; uint8_t tpa[4]; } __attribute__((packed)) claim = {
        .link.ether_type = htons(ETH_P_ARP), .arp = { htons(ARPHRD_ETHER), htons(ETH_P_IP), 6, 4, htons(ARPOP_REPLY) } };
    memset(claim.link.ether_dhost, 0xff, 6); memcpy(claim.link.ether_shost, own.ifr_hwaddr.sa_data, 6);
    memcpy(claim.sha, own.ifr_hwaddr.sa_data, 6); uint32_t ip = inet_addr(foreign); memcpy(claim.spa, &ip, 4); memcpy(claim.tpa, &ip, 4); memset(claim.tha, 0xff, 6);
    tell("arp-claim", sendto(fd, &claim, sizeof claim, 0, (struct sockaddr *)&to, sizeof to), "");
}

static void set_address(const char *attempt) {
    struct ifreq request = { .ifr_name = "eth0" }; struct sockaddr_in name = at(foreign, 0);
    memcpy(&request.ifr_addr, &name, sizeof name);
    tell(attempt, ioctl(socket(AF_INET, SOCK_DGRAM, 0), SIOCSIFADDR, &request), "");
}

static void set_mac(void) {
    struct ifreq request = { .ifr_name = "eth0", .ifr_hwaddr = { ARPHRD_ETHER, "\x02\x00\xde\xad\xbe\xef" } };
    tell("set-mac", ioctl(socket(AF_INET, SOCK_DGRAM, 0), SIOCSIFHWADDR, &request), "");
}

static void write_to(const char *attempt, const char *path, const char *text) {
    int fd = open(path, O_WRONLY);
    tell(attempt, fd < 0 ? fd : write(fd, text, strlen(text)), path);
}

static void read_from(const char *attempt, const char *path) {
    char text[16]; int fd = open(path, O_RDONLY);
    tell(attempt, fd < 0 ? fd : read(fd, text, sizeof text), path);
}

static void device(const char *attempt, unsigned major, unsigned minor) {
    const char *path = "/var/tmp/escape-device"; unlink(path);
    if (mknod(path, S_IFBLK | 0600, makedev(major, minor))) { tell(attempt, -1, "mknod"); return; }
    int fd = open(path, O_RDONLY); tell(attempt, fd, "open"); unlink(path);
}

/* Most pids that /proc shows, so that the test can compare with its own. */
static void processes(void) {
    char found[2048] = ""; size_t length = 0; struct dirent *entry; DIR *proc = opendir("/proc");
    while (proc && (entry = readdir(proc))) if (atoi(entry->d_name) > 0 && length < sizeof found - 32) {
        char path[300], comm[64] = ""; snprintf(path, sizeof path, "/proc/%s/comm", entry->d_name);
        int fd = open(path, O_RDONLY); ssize_t n = fd < 0 ? -1 : read(fd, comm, sizeof comm - 1);
        if (fd >= 0) close(fd);
        if (n > 0) comm[n - 1] = 0;
        length += (size_t)snprintf(found + length, sizeof found - length, "%s%s:%s", length ? " " : "", entry->d_name, comm);
    }
    tell("processes", 0, found);
}

/* A user namespace of one's own gives capabilities, but none over what is outside it. */
static void nested(void) {
    pid_t child = fork();
    if (child == 0) {
        long made = unshare(CLONE_NEWUSER); tell("unshare-user", made, "");
        if (made == 0) {
            set_address("nested-set-address");
            tell("nested-mount", mount("tmpfs", "/etc", "tmpfs", 0, ""), "in the instance's mount namespace");
        }
        _exit(0);
    }
    waitpid(child, NULL, 0);
}

int main(int argc, char **argv) {
    if (argc != 5) { fprintf(stderr, "usage: escape FOREIGN_IP SINK_IP SOCKET_PATH NODE_PID\n"); return 2; }
    foreign = argv[1]; sink = argv[2];
    const char *socket_path = argv[3]; pid_t node_pid = atoi(argv[4]);

    bind_foreign("bind-tcp", SOCK_STREAM, 0); bind_foreign("bind-udp", SOCK_DGRAM, 0);
    bind_foreign("freebind-tcp", SOCK_STREAM, IP_FREEBIND); bind_foreign("freebind-udp", SOCK_DGRAM, IP_FREEBIND);
    bind_foreign("transparent-udp", SOCK_DGRAM, IP_TRANSPARENT);
    raw_ip(); packet(); set_address("set-address"); set_mac();

    processes();
    tell("signal-node", kill(node_pid, 0), "");
    tell("trace-node", ptrace(PTRACE_ATTACH, node_pid, 0, 0), "");
    struct sockaddr_un name = { .sun_family = AF_UNIX }; strncpy(name.sun_path, socket_path, sizeof name.sun_path - 1);
    tell("daemon-socket", connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&name, sizeof name), socket_path);

    tell("mount-tmpfs", mount("tmpfs", "/mnt", "tmpfs", 0, ""), "");
    tell("mount-bind", mount("/etc", "/mnt", "", MS_BIND, ""), "");
    tell("mount-proc", mount("proc", "/mnt", "proc", 0, ""), "");
    tell("remount-root", mount("", "/", "", MS_REMOUNT, ""), "");
    tell("unmount-proc", umount2("/proc", MNT_DETACH), "");
    tell("pivot-root", syscall(SYS_pivot_root, "/", "/"), "");
    tell("load-module", syscall(SYS_init_module, "x", 1, ""), "");
    tell("delete-module", syscall(SYS_delete_module, "veth", O_NONBLOCK), "");
    tell("kexec", syscall(SYS_kexec_load, 0, 0, NULL, 0), "");
    tell("swap", swapoff("/swapfile"), "");
    struct timespec now; clock_gettime(CLOCK_REALTIME, &now); tell("set-clock", clock_settime(CLOCK_REALTIME, &now), "");
    tell("kernel-log", klogctl(3, (char[64]){ 0 }, 64), "");
    union bpf_attr map = { .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1 };
    tell("bpf", syscall(SYS_bpf, BPF_MAP_CREATE, &map, sizeof map), "");
    struct perf_event_attr perf = { .type = PERF_TYPE_HARDWARE, .size = sizeof perf };
    tell("perf-node", syscall(SYS_perf_event_open, &perf, -1, 0, -1, 0), "");
    struct { struct file_handle head; char bytes[8]; } handle = { .head = { .handle_bytes = 8, .handle_type = 1 }, .bytes = { 2 } };
    tell("open-by-handle", open_by_handle_at(open("/", O_RDONLY), &handle.head, O_RDONLY), "");
    tell("raise-priority", setpriority(0, 0, -10), "");
    device("disk-device", 8, 0); device("virtual-disk-device", 254, 0);

    write_to("sysrq", "/proc/sysrq-trigger", "h"); write_to("core-pattern", "/proc/sys/kernel/core_pattern", "core");
    write_to("panic", "/proc/sys/kernel/panic", "0"); write_to("drop-caches", "/proc/sys/vm/drop_caches", "1");
    write_to("forward", "/proc/sys/net/ipv4/ip_forward", "1"); write_to("nonlocal-bind", "/proc/sys/net/ipv4/ip_nonlocal_bind", "1");
    write_to("uevent", "/sys/kernel/uevent_helper", "\n"); write_to("oom-node", "/proc/1/oom_score_adj", "-1000");
    read_from("kernel-memory", "/proc/kcore"); read_from("physical-memory", "/dev/mem"); read_from("kernel-messages", "/dev/kmsg");
    read_from("password-hashes", "/etc/shadow");
    nested();
    printf("done\n"); fflush(stdout);
    for (;;) pause();
}
