export { ReplicaLeader, type OwnPort, type PeerKey } from './leader.ts';
